# SPDX-License-Identifier: Apache-2.0
"""Whatever the user gives: one message with place, what and hint, exit code 2, nothing left."""

import json
import os
import re

import moesim_process
from bad_input_table import BAD_FILES, COMPANIONS
from moesim_process import MoesimTest, small_experiment

USAGE = 'Run "moesim --help" for the commands and their options.'


class BadInputTest(MoesimTest):
    def bad_files(self):
        return moesim_process.SOURCE / "tests" / "data" / "bad_input"

    def assert_refused(self, done, where, what, hint):
        """One block of three lines at most: place, what, hint."""
        said = "\n" + done.err
        self.assertEqual(done.code, 2, said)
        self.assertEqual(done.out, "")
        self.assertLess(done.seconds, 60)  # refused, not tried
        lines = done.err.splitlines()
        self.assertIn(len(lines), (2, 3), said)
        self.assertEqual(lines[0], where, said)
        self.assertIn(what, lines[1], said)
        self.assertTrue(lines[1].startswith("  "), said)
        if len(lines) == 3:
            self.assertTrue(lines[2].startswith("  hint: "), said)
        if hint:
            self.assertIn(hint, lines[-1], said)
        for word in ("terminate", "exception", "std::", "abort", "internal error"):
            self.assertNotIn(word, done.err)

    def run_refused(self, where, what, hint, *arguments, cwd=None):
        """Also checks that the output folder is absent or empty afterwards."""
        output = self.folder / "out"
        done = self.moesim("run", *arguments, "--output", output, cwd=cwd, limit=30)
        self.assert_refused(done, where, what, hint)
        self.assertEqual(list(output.iterdir()) if output.exists() else [], [])

    def assert_usage_error(self, said, hint, *arguments):
        done = self.moesim(*arguments, limit=30)
        self.assertEqual(done.code, 2, done.err)
        self.assertEqual(done.out, "")
        lines = done.err.splitlines()
        self.assertTrue(lines[0].startswith("moesim: "), done.err)
        self.assertIn(said, lines[0])
        self.assertEqual(lines[-1], USAGE)
        self.assertEqual(lines[1:-1], ["  hint: " + hint] if hint else [])


class BadFiles(BadInputTest):
    def test_every_bad_file_is_refused_at_its_place(self):
        for name, where, what, hint in BAD_FILES:
            with self.subTest(name):
                where = where.replace("@", name + ".json")
                self.run_refused(where, what, hint, name + ".json", cwd=self.bad_files())

    def test_every_bad_file_is_in_the_table(self):
        files = {path.stem for path in self.bad_files().glob("*.json")}
        self.assertEqual(files, {row[0] for row in BAD_FILES} | set(COMPANIONS))
        self.assertGreaterEqual(len(BAD_FILES), 60)

    def test_the_file_that_the_bad_ones_extend_is_sound(self):
        done = self.moesim("run", self.bad_files() / "sound.json", "--dry-run")
        self.assertEqual((done.code, done.err), (0, ""))

    def test_a_missing_file(self):
        self.run_refused("absent.json", "there is no such file", "check the path", "absent.json")

    def test_a_folder_instead_of_a_file(self):
        self.run_refused(".", "this is a folder, not a file", "name the JSON file in it", ".")

    def test_a_device_instead_of_a_file(self):
        self.run_refused("/dev/zero", "not a regular file", "plain JSON file", "/dev/zero")

    def test_a_pipe_that_nobody_writes_to(self):
        os.mkfifo(self.folder / "pipe.json")
        self.run_refused("pipe.json", "not a regular file", "plain JSON file", "pipe.json")

    def test_an_unreadable_link(self):
        (self.folder / "loop.json").symlink_to("loop.json")
        self.run_refused("loop.json", "cannot be looked at", "plain JSON file", "loop.json")

    def test_two_hundred_megabytes(self):
        with open(self.folder / "huge.json", "wb") as file:
            file.truncate(200_000_000)
        self.run_refused("huge.json", "200000000 bytes; 16 MiB", "a file of its own", "huge.json")

    def test_a_hundred_thousand_open_brackets(self):
        self.write("deep.json", "[" * 100_000)
        self.run_refused("deep.json:1:65", "nested deeper than 64 levels", "flatten", "deep.json")

    def test_a_hundred_thousand_nested_objects(self):
        self.write("deep.json", '{"a":' * 100_000 + "1" + "}" * 100_000)
        # Each level takes five bytes; the 65th opens in column 64 x 5 + 1.
        self.run_refused("deep.json:1:321", "nested deeper than 64 levels", "flatten", "deep.json")

    def test_a_file_of_the_other_command_says_which(self):
        self.write("small.json", small_experiment())
        self.write("tiny.json", {"name": "tiny", "model": {"preset": "tiny"},
                                 "training": {"steps": 3}})
        self.run_refused("tiny.json:1:1", "this is a training file", "moesim train", "tiny.json")
        done = self.moesim("train", "small.json", "-o", "out")
        self.assert_refused(done, "small.json:1:1", "this is an experiment file", "moesim run")

    def test_random_bytes(self):
        self.write("noise.json", bytes(range(1, 256)) * 16)
        self.run_refused("noise.json:1:1", "this is not JSON", "double quotes", "noise.json")


class WrongTypes(BadInputTest):
    def refuse_value(self, key, value, what):
        """The value at the dotted key is refused at the place where the file has it."""
        experiment = small_experiment()
        section = experiment
        *path, last = key.split(".")
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
        text = json.dumps(experiment)
        self.write("wrong.json", text)
        done = self.moesim("run", "wrong.json", "--dry-run", limit=30)
        with self.subTest(key=key, value=value):
            self.assertEqual(done.code, 2, done.err)
            self.assertEqual(done.out, "")
            lines = done.err.splitlines()
            place = re.fullmatch(r"wrong\.json:1:(\d+)(  /(.*))?", lines[0])
            self.assertTrue(place, done.err)
            if place[3] is not None:
                self.assertEqual(place[3], key.replace(".", "/"))
            self.assertTrue(text[int(place[1]) - 1:].startswith(json.dumps(value)), done.err)
            self.assertIn(what, lines[1])

    def test_every_section_is_an_object(self):
        sections = ["model", "training", "parallel", "router", "routing", "routing.proxy",
                    "routing.synthetic", "cluster", "cluster.node", "cluster.node.accelerator",
                    "cluster.fabric", "comm", "network", "outputs", "model.latent_attention"]
        for section in sections:
            for value in ([], "word", 3, True, None):
                self.refuse_value(section, value, "expected an object {...}, found")

    def leaves(self):
        """(dotted key, schema) of every key of an experiment that is not a section or free-form."""
        schema = json.loads(self.moesim("schema").out)

        def walk(struct, path):
            for key, rule in struct["properties"].items():
                if "Another name of" in rule["description"] or key in ("preset", "extends"):
                    continue
                if "allOf" in rule:
                    name = rule["allOf"][0]["$ref"].rsplit("/", 1)[1]
                    yield from walk(schema["definitions"][name], path + [key])
                elif rule.get("type") != "object":
                    yield ".".join(path + [key]), rule

        return list(walk(schema, []))

    def test_every_leaf_refuses_an_object_and_a_scalar_of_another_kind(self):
        leaves = self.leaves()
        self.assertGreater(len(leaves), 60)
        for key, rule in leaves:
            kind = rule["anyOf"][0] if "anyOf" in rule else rule
            is_text = kind.get("type") == "string" and "pattern" not in kind
            self.refuse_value(key, {}, " is not " if key == "model.hf_config" else "expected ")
            if key == "model.hf_config":
                continue
            self.refuse_value(key, 7 if is_text or kind.get("type") in ("array", "boolean")
                              or "enum" in kind else "seven", "e")


class BadCommands(BadInputTest):
    def setUp(self):
        super().setUp()
        self.write("small.json", small_experiment())

    def test_assignments_that_assign_nothing(self):
        example = "write --set router.capacity_factor=1.25"
        self.run_refused("--set seed", "expected key=value", example, "small.json", "--set", "seed")
        self.run_refused("--set =1", "expected key=value", example, "small.json", "--set", "=1")
        self.run_refused("--set router..seed=1", "has an empty key", "separate keys by single dots",
                         "small.json", "--set", "router..seed=1")

    def test_assignments_to_what_does_not_exist(self):
        self.run_refused("--set router.sead=1  /router/sead", 'unknown key "sead"',
                         'did you mean "seed"?', "small.json", "--set", "router.sead=1")
        self.run_refused("--set ruoter.seed=1  /ruoter", 'unknown key "ruoter"',
                         'did you mean "router"?', "small.json", "--set", "ruoter.seed=1")

    def test_an_assignment_under_a_leaf(self):
        self.run_refused("--set router.seed.low=1",
                         '"low" cannot be set: "router.seed" is a number, not an object', "",
                         "small.json", "--set", "router.seed.low=1")

    def test_an_assignment_of_a_broken_object(self):
        self.run_refused('--set router={"seed":', "the text ends before the document does",
                         "close every {", "small.json", "--set", 'router={"seed":')

    def test_an_assignment_by_another_name(self):
        self.run_refused("--set parallel.ep=8  /parallel/ep", "name the same field",
                         "keep one of them", "small.json", "--set", "parallel.ep=8")

    def test_checks_across_fields_name_the_flag(self):
        self.run_refused("--set model.top_k=33  /model/num_experts_per_tok",
                         "a token picks 33 of 32 experts", "at most num_experts", "alias.json",
                         "--set", "model.top_k=33",
                         cwd=self.without("num_experts_per_tok"))
        self.run_refused("--set cluster.num_nodes=8193  /cluster/num_nodes",
                         "8193 nodes of 8 accelerators are more than 65536 ranks", "at most 8192 nodes fit",
                         "small.json", "--set", "cluster.num_nodes=8193")

    def without(self, key):
        experiment = small_experiment()
        del experiment["model"][key]
        self.write("alias.json", experiment)
        return self.folder

    def test_time_limits_that_are_none(self):
        example = 'write --time-limit "90 s"'
        for limit, what in (("5", "has no unit"), ("5 GB", "not a unit of a time"),
                            ("-1 s", "cannot be negative"), ("0 s", "must be above 0"),
                            ("soon", "does not begin with a number"), ("", "expected a time")):
            self.run_refused("--time-limit", what, example, "small.json", "--time-limit", limit)

    def test_output_folders_that_cannot_be(self):
        self.write("plain", "a file")
        for folder, why in (("plain", "Not a directory"), ("/proc/none", "No such file")):
            done = self.moesim("run", "small.json", "--output", folder, limit=30)
            self.assert_refused(done, folder + "/small", "cannot be made: " + why,
                                "choose another folder with --output")
        done = self.moesim("run", "small.json", "--output", "", limit=30)
        self.assert_refused(done, "--output", "has no name", "--output runs")

    def test_command_lines(self):
        self.assert_usage_error("A subcommand is required", "")
        self.assert_usage_error('no command is called "rum"', 'did you mean "run"?', "rum")
        self.assert_usage_error('no command is called "weather"', "", "weather", "--set=1")
        self.assert_usage_error("file is required", "", "run")
        self.assert_usage_error("not expected: second.json", "", "run", "small.json", "second.json")
        self.assert_usage_error("--sett", 'did you mean "--set"?', "run", "small.json", "--sett=1")
        self.assert_usage_error("--refernce", 'did you mean "--reference"?', "schema", "--refernce")
        self.assert_usage_error("--set: 1 required", "", "run", "small.json", "--set")
        for jobs in ("0", "-1", "many", "1025", "1.5"):
            self.assert_usage_error("--jobs", "", "run", "small.json", "-j", jobs)


class BadCompanions(BadInputTest):
    """Files that an experiment names: the fault is at the key that names them."""

    def refuse_text(self, text, what, hint="name a longer text"):
        experiment = small_experiment(routing={"source": "numerics", "proxy": {"text": text}})
        del experiment["routing"]["synthetic"]
        content = json.dumps(experiment)
        self.write("small.json", content)
        column = content.index(json.dumps(text), content.index('"proxy"')) + 1
        self.run_refused(f"small.json:1:{column}  /routing/proxy/text", what, hint, "small.json")

    def test_texts(self):
        self.refuse_text("absent.txt", "absent.txt: cannot read the text: there is no such path",
                         "name a readable text file")
        (self.folder / "empty_folder").mkdir()
        self.refuse_text("empty_folder", "empty_folder: the text has 0 bytes, and at least")
        self.write("short.txt", "too short")
        self.refuse_text("short.txt", "short.txt: the text has 9 bytes, and at least")
        self.refuse_text("/dev/null", "/dev/null: cannot read the text: it is neither a file nor",
                         "name a readable text file")

    def recorded_trace(self):
        done = self.moesim("run", self.write("small.json", small_experiment()),
                           "--set", "outputs.routing_trace=true")
        self.assertEqual(done.code, 0, done.err)
        return (self.latest("small") / "routing.trace").read_bytes()

    def refuse_trace(self, content, what, hint, *arguments):
        self.write("bad.trace", content)
        flag = "routing.trace=bad.trace"
        self.run_refused(f"--set {flag}  /routing/trace", what, hint, "small.json", "--set",
                         "routing.source=trace", "--set", flag, *arguments)

    def test_routing_traces(self):
        trace = self.recorded_trace()
        again = "record it again with outputs.routing_trace"
        self.refuse_trace(b"", "bad.trace: is not a routing trace", again)
        self.refuse_trace(trace[:-1], "bad.trace: is truncated", again)
        self.refuse_trace(trace + b"x", "bad.trace: is longer than its header says", again)
        header_end = trace.index(b"\n", 30) + 1
        self.refuse_trace(trace[:header_end] + b"\xff\xff" + trace[header_end + 2:],
                          "bad.trace: names expert 65535 of 32", again)
        # The first two experts are one token's: the same number twice is no top-2.
        twice = trace[header_end:header_end + 2] * 2
        self.refuse_trace(trace[:header_end] + twice + trace[header_end + 4:],
                          "bad.trace: gives a token the same expert twice", again)
        self.refuse_trace(trace[:-4] + b"\x00\x00\xc0\x7f", "a weight that is no weight", again)
        self.refuse_trace(trace, "recorded with 2 MoE layers, this experiment has 3",
                          "replay it with the model", "--set", "model.num_hidden_layers=3")
        self.refuse_trace(trace, "recorded with 32 experts, this experiment has 64",
                          "replay it with the model", "--set", "model.num_experts=64")
        self.refuse_trace(trace, "recorded with 16 ranks, this experiment has 32",
                          "replay it with the model", "--set", "cluster.num_nodes=4")
        self.refuse_trace(trace, "recorded with 128 tokens a rank, this experiment has 64",
                          "replay it with the model", "--set", "training.seq_length=64")

    def test_a_routing_trace_with_a_broken_header(self):
        trace = self.recorded_trace()
        self.write("bad.trace", trace.replace(b'"num_ranks"', b'"num_rangs"', 1))
        done = self.moesim("run", "small.json", "--set", "routing.source=trace", "--set",
                           "routing.trace=bad.trace")
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("bad.trace", done.err.splitlines()[0])
        self.assertIn('did you mean "num_ranks"?', done.err)


if __name__ == "__main__":
    moesim_process.main()
