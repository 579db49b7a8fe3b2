package config_test

import (
	"fmt"

	"fairlead.dev/config"
)

func ExampleLoad() {
	var settings struct {
		Listen  string          `yaml:"listen"`
		Timeout config.Duration `yaml:"timeout" default:"5s"`
		Key     config.Secret   `yaml:"key"`
	}
	text := "listen: 127.0.0.1:80\nkey: ${API_KEY}\n"
	env := func(name string) (string, bool) { return "very secret", name == "API_KEY" }
	file, err := config.Load("app.yaml", []byte(text), env, nil, &settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range file.Values(&settings) {
		fmt.Printf("%s = %s, from %s\n", v.Path, v.Text, v.Origin)
	}
	// Output:
	// listen = 127.0.0.1:80, from app.yaml:1
	// timeout = 5s, from default
	// key = (set), from ${API_KEY} at app.yaml:2
}

func ExampleFaults() {
	var settings struct {
		Listen  string          `yaml:"listen"`
		Timeout config.Duration `yaml:"timeout"`
	}
	_, err := config.Load("app.yaml", []byte("lisen: here\ntimeout: 5 sec\n"), nil, nil, &settings)
	fmt.Println(err)
	// Output:
	// app.yaml:1:1: unknown key "lisen"
	//      1 | lisen: ****
	//        | ^^^^^
	//        = did you mean "listen"?
	// app.yaml:2:10: want a duration such as 500ms, 30s or 2m, or off
	//      2 | timeout: 5 sec
	//        |          ^^^^^
}

func ExampleFile_Fault() {
	var settings struct {
		Workers []string `yaml:"workers"`
	}
	file, _ := config.Load("app.yaml", []byte("workers: [ann, bob, ann]\n"), nil, nil, &settings)
	file.Fault(config.Path("workers", 2), "%q is there twice", settings.Workers[2])
	fmt.Println(file.Err())
	// Output:
	// app.yaml:1:21: "ann" is there twice
	//      1 | workers: [ann, bob, ann]
	//        |                     ^^^
}
