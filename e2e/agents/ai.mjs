// One turn of a program on the Vercel AI SDK, as its guide writes one: the text
// goes to stdout as it comes, and an error is the end of it.
//
//   node ai.mjs anthropic|openai URL MODEL
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { streamText } from 'ai';

const [dialect, url, model] = process.argv.slice(2);
const options = { baseURL: `${url}/v1`, apiKey: 'sk-client' };
const ask = dialect === 'openai' ? createOpenAI(options).chat(model) : createAnthropic(options)(model);

let failure;
const answer = streamText({ model: ask, prompt: 'Why do ropes chafe?', onError: ({ error }) => (failure = error) });
for await (const text of answer.textStream) process.stdout.write(text);
if (failure) {
  console.error(failure);
  process.exitCode = 1;
}
