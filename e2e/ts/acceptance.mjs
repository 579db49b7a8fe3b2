// The official TypeScript SDKs against running gateways. typescript_test.go
// starts them and passes their addresses as JSON in the first argument:
//
//   healthy   both providers answer
//   fallback  the first one is overloaded, the second one answers
//   failing   the first one is overloaded, the second one fails too
//   cut       both cut their streams in the middle
//
// Every check prints one line of JSON: its name, and what was wrong.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import assert from 'node:assert/strict';

const at = JSON.parse(process.argv[2]);
const user = (content) => [{ role: 'user', content }];
const schema = { type: 'object', properties: { rope: { type: 'string' } }, required: ['rope'] };

// counting returns a fetch that counts, and what it has counted so far.
function counting() {
  const seen = { requests: 0, headers: undefined };
  const count = async (url, init) => {
    seen.requests++;
    const response = await fetch(url, init);
    seen.headers = response.headers;
    return response;
  };
  return [seen, count];
}

function anthropic(base) {
  const [seen, fetch] = counting();
  return [new Anthropic({ baseURL: base, apiKey: 'sk-client', fetch }), seen];
}

function openai(base) {
  const [seen, fetch] = counting();
  return [new OpenAI({ baseURL: `${base}/v1`, apiKey: 'sk-client', fetch }), seen];
}

const claude = { model: 'claude-opus-5-5', max_tokens: 1000, messages: user('Why do ropes chafe?') };
const gpt = { model: 'gpt-5.5', messages: user('Why do ropes chafe?') };
const reply = { model: 'gpt-5.5', input: 'Why do ropes chafe?' };
const textOf = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');

// rejection returns the error of a promise that must fail.
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('there was no error');
}

// deltas adds up a stream of chat completions.
async function deltas(stream) {
  const sum = { text: '', args: '', finish: '', tokens: 0 };
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    sum.text += choice?.delta?.content ?? '';
    sum.args += choice?.delta?.tool_calls?.[0]?.function?.arguments ?? '';
    sum.finish = choice?.finish_reason ?? sum.finish;
    sum.tokens = chunk.usage?.completion_tokens ?? sum.tokens;
  }
  return sum;
}

const checks = {
  async 'anthropic plain'() {
    const [client, seen] = anthropic(at.healthy);
    const message = await client.messages.create(claude);
    assert.equal(textOf(message), at.whole);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(seen.requests, 1);
  },
  async 'anthropic stream'() {
    const [client, seen] = anthropic(at.healthy);
    const stream = client.messages.stream(claude);
    let text = '';
    stream.on('text', (delta) => (text += delta));
    const message = await stream.finalMessage();
    assert.equal(text, at.whole);
    assert.equal(textOf(message), at.whole);
    assert.equal(message.usage.output_tokens, 60);
    assert.equal(seen.requests, 1);
  },
  async 'anthropic tools'() {
    const [client] = anthropic(at.healthy);
    const tools = [{ name: 'inspect', input_schema: schema }];
    const ask = { ...claude, tools, messages: user('Please use tool inspect.') };
    for (const message of [await client.messages.create(ask), await client.messages.stream(ask).finalMessage()]) {
      const call = message.content.find((b) => b.type === 'tool_use');
      assert.deepEqual(call.input, { rope: at.rope });
      assert.equal(message.stop_reason, 'tool_use');
    }
  },
  async 'anthropic thinking'() {
    const [client] = anthropic(at.healthy);
    const message = await client.messages.stream({ ...claude, thinking: { type: 'adaptive' } }).finalMessage();
    assert.equal(message.content[0].type, 'thinking');
    assert.equal(textOf(message), at.whole);
  },
  async 'anthropic count_tokens'() {
    const [client] = anthropic(at.healthy);
    const { input_tokens } = await client.messages.countTokens({ model: claude.model, messages: claude.messages });
    assert.ok(input_tokens > 0);
  },
  async 'anthropic models'() {
    const [client] = anthropic(at.healthy);
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes('claude-opus-5-5'), `${ids}`);
  },
  async 'anthropic fallback'() {
    const [client, seen] = anthropic(at.fallback);
    assert.equal(textOf(await client.messages.create(claude)), at.whole);
    assert.equal(seen.headers.get('fairlead-fallback'), 'true');
    assert.equal(textOf(await client.messages.stream(claude).finalMessage()), at.whole);
    assert.equal(seen.requests, 2);
  },
  async 'anthropic error'() {
    const [client, seen] = anthropic(at.failing);
    const error = await rejection(client.messages.create(claude));
    assert.ok(error instanceof Anthropic.InternalServerError, `${error}`);
    assert.equal(error.status, 529);
    assert.equal(error.error.error.type, 'overloaded_error');
    const again = await rejection(client.messages.stream(claude).finalMessage());
    assert.equal(again.status, 529);
    assert.equal(seen.requests, 2);
  },
  async 'anthropic cut stream'() {
    const [client, seen] = anthropic(at.cut);
    const error = await rejection(client.messages.stream(claude).finalMessage());
    assert.ok(error instanceof Anthropic.APIError, `${error}`);
    assert.equal(seen.requests, 1);
  },

  async 'openai plain'() {
    const [client, seen] = openai(at.healthy);
    const completion = await client.chat.completions.create(gpt);
    assert.equal(completion.choices[0].message.content, at.whole);
    assert.equal(seen.requests, 1);
  },
  async 'openai stream'() {
    const [client, seen] = openai(at.healthy);
    const sum = await deltas(await client.chat.completions.create({ ...gpt, stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(sum, { text: at.whole, args: '', finish: 'stop', tokens: 60 });
    assert.equal(seen.requests, 1);
  },
  async 'openai tools'() {
    const [client] = openai(at.healthy);
    const tools = [{ type: 'function', function: { name: 'inspect', parameters: schema } }];
    const ask = { ...gpt, tools, messages: user('Please use tool inspect.') };
    const completion = await client.chat.completions.create(ask);
    const sum = await deltas(await client.chat.completions.create({ ...ask, stream: true }));
    for (const args of [completion.choices[0].message.tool_calls[0].function.arguments, sum.args]) {
      assert.deepEqual(JSON.parse(args), { rope: at.rope });
    }
  },
  async 'openai models'() {
    const [client] = openai(at.healthy);
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes('gpt-5.5'), `${ids}`);
  },
  async 'openai fallback'() {
    const [client, seen] = openai(at.fallback);
    assert.equal((await client.chat.completions.create(gpt)).choices[0].message.content, at.whole);
    assert.equal(seen.headers.get('fairlead-fallback'), 'true');
    assert.equal((await deltas(await client.chat.completions.create({ ...gpt, stream: true }))).text, at.whole);
    assert.equal(seen.requests, 2);
  },
  async 'openai error'() {
    const [client, seen] = openai(at.failing);
    const error = await rejection(client.chat.completions.create(gpt));
    assert.ok(error instanceof OpenAI.InternalServerError, `${error}`);
    assert.equal(error.status, 529);
    assert.equal(error.code, 'server_is_overloaded');
    assert.equal(seen.requests, 1);
  },
  async 'openai responses'() {
    for (const base of [at.healthy, at.fallback]) {
      const [client, seen] = openai(base);
      assert.equal((await client.responses.create(reply)).output_text, at.whole);
      let text = '';
      let last;
      for await (last of await client.responses.create({ ...reply, stream: true })) {
        if (last.type === 'response.output_text.delta') text += last.delta;
      }
      assert.equal(text, at.whole);
      assert.equal(last.type, 'response.completed');
      assert.equal(seen.requests, 2);
    }
  },
  async 'openai responses that fail'() {
    const [client, seen] = openai(at.failing);
    const error = await rejection(client.responses.create(reply));
    assert.ok(error instanceof OpenAI.InternalServerError, `${error}`);
    assert.equal(seen.requests, 1);
    const [cutting, asked] = openai(at.cut);
    const cut = await rejection(
      cutting.responses.create({ ...reply, stream: true }).then(async (stream) => {
        for await (const _ of stream);
      }),
    );
    assert.ok(cut instanceof OpenAI.APIError, `${cut}`);
    assert.equal(asked.requests, 1);
  },
  async 'openai cut stream'() {
    const [client, seen] = openai(at.cut);
    const error = await rejection(client.chat.completions.create({ ...gpt, stream: true }).then(deltas));
    assert.ok(error instanceof OpenAI.APIError, `${error}`);
    assert.equal(seen.requests, 1);
  },
};

for (const [name, check] of Object.entries(checks)) {
  let wrong = '';
  try {
    await check();
  } catch (error) {
    wrong = error.stack ?? `${error}`;
  }
  console.log(JSON.stringify({ name, wrong }));
}
