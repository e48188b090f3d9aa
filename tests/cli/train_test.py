# SPDX-License-Identifier: Apache-2.0
"""Training, writing and inspecting as a user does it: files, exit codes, kills and interrupts."""

import json
import math
import random
import re
import shlex
import signal
import subprocess
import time

import moesim_process
from moesim_process import MoesimTest

WORDS = ("route", "token", "expert", "gate", "switch", "load")
LAYERS = 3  # the first is dense


def words_text(count):
    draw = random.Random(4)
    return " ".join(draw.choice(WORDS) for _ in range(count))


def small_training(**training):
    """A model of two MoE layers on `words.txt` beside the file; a step takes a millisecond."""
    return {
        "name": "small",
        "text": "words.txt",
        "model": {"num_hidden_layers": LAYERS, "hidden_size": 16, "num_attention_heads": 2,
                  "seq_length": 16, "first_k_dense_replace": 1, "intermediate_size": 16,
                  "moe_intermediate_size": 8,
                  "router": {"num_experts": 4, "num_experts_per_tok": 2}},
        "training": {"steps": 20, "batch_size": 4, **training},
    }


class TrainTest(MoesimTest):
    def setUp(self):
        super().setUp()
        self.write("words.txt", words_text(400))
        self.file = self.write("small.json", small_training())

    def succeed(self, *arguments):
        done = self.moesim(*arguments, limit=60)
        self.assertEqual(done.code, 0, done.err)
        return done

    def train(self, output, *arguments):
        return self.succeed("train", self.file, "-o", output, "-j", 1, *arguments)

    def start(self, output, *arguments):
        """Begins to train and returns the process."""
        command = [moesim_process.BINARY, "train", str(self.file), "-o", str(output), "-j", "1",
                   *arguments]
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def checkpoint(self, output):
        root = self.folder / output / "checkpoints"
        return root / (root / "latest").read_text().strip()

    def weights(self, output):
        return (self.checkpoint(output) / "model.safetensors").read_bytes()

    def assert_refused(self, done, where, what, hint):
        """One error of three lines, and nothing printed besides."""
        self.assertEqual((done.code, done.out), (2, ""), done.err)
        lines = done.err.splitlines()
        self.assertEqual(len(lines), 3, done.err)
        self.assertEqual(lines[0], str(where))
        self.assertIn(what, lines[1])
        self.assertTrue(lines[2].startswith("  hint: "), done.err)
        self.assertIn(hint, lines[2])


class Results(TrainTest):
    def test_a_run_leaves_its_files_and_figures(self):
        done = self.train("run")
        self.assertIn("bits/byte", done.out)
        self.assertTrue(done.out.endswith("results in run\n"))
        run = self.folder / "run"
        self.assertEqual({path.name for path in run.iterdir()}, {
            "checkpoints", "config.json", "curve.csv", "expert_load.svg", "load_balancing.txt",
            "load_over_time.svg", "loss.svg", "provenance.json", "result.json"})
        provenance = json.loads((run / "provenance.json").read_text())
        self.assertEqual(provenance["backend"], "cpu")
        result = json.loads((run / "result.json").read_text())
        self.assertEqual(result["steps"], 20)
        self.assertAlmostEqual(result["validation_bits_per_byte"],
                               result["validation_loss"] / math.log(2), delta=1e-12)
        self.assertEqual(result["drop_rate"], 0)
        rows = (run / "curve.csv").read_text().splitlines()
        self.assertEqual(len(rows), 21)
        self.assertEqual(float(rows[-1].split(",")[-1]), result["validation_loss"])

    def test_threads_and_the_way_of_printing_change_nothing(self):
        self.train("one")
        done = self.succeed("train", self.file, "-o", "two", "-j", 2, "--json")
        result = (self.folder / "one/result.json").read_text()
        self.assertEqual((self.folder / "two/result.json").read_text(), result)
        self.assertEqual(json.loads(done.out), json.loads(result))
        self.assertEqual(self.weights("one"), self.weights("two"))

    def test_auto_takes_what_is_there_with_the_same_bytes(self):
        self.train("cpu")
        done = self.train("auto", "--backend", "auto")
        self.assertRegex(done.err, r"moesim: computing on (cpu \(.+\)|cuda \(.+\))\n")
        provenance = json.loads((self.folder / "auto" / "provenance.json").read_text())
        self.assertIn(f"computing on {provenance['backend']}\n", done.err)
        self.assertEqual(self.weights("auto"), self.weights("cpu"))
        self.assertEqual((self.folder / "auto/result.json").read_bytes(),
                         (self.folder / "cpu/result.json").read_bytes())

    def test_a_backend_that_is_not_there_is_refused(self):
        done = self.moesim("train", self.file, "-o", "out", "--backend", "cude")
        self.assert_refused(done, "--backend", 'no backend is named "cude"', "cuda")
        done = self.moesim("train", self.file, "-o", "out", "--backend", "nvidia")
        self.assert_refused(done, "--backend", 'no backend is named "nvidia"', "cuda:bf16")
        self.train("probe", "--backend", "auto")
        provenance = json.loads((self.folder / "probe" / "provenance.json").read_text())
        if provenance["backend"].startswith("cpu"):
            reason = re.search(r"\((.+)\)", provenance["backend"]).group(1)
            for name in ("cuda", "cuda:bf16"):
                done = self.moesim("train", self.file, "-o", "out", "--backend", name)
                self.assert_refused(done, "--backend", reason, "use --backend cpu")
        self.assertFalse((self.folder / "out").exists())

    def test_the_default_folder_is_named_for_the_file(self):
        self.succeed("train", self.file, "--set", "training.steps=1")
        self.assertTrue((self.folder / "runs/train/small/result.json").is_file())

    def test_a_sweep_has_a_folder_a_point_and_a_comparison(self):
        self.file = self.write("sweep.json", {**small_training(), "sweep": {
            "model.router.capacity_factor": [0.5, None], "text": ["words.txt", "more/words.txt"]}})
        (self.folder / "more").mkdir()
        self.write("more/words.txt", words_text(500))
        done = self.train("out")
        self.assertEqual(len(done.out.splitlines()), 2 + 4 + 1)
        names = sorted(path.name for path in (self.folder / "out").iterdir())
        label = "model.router.capacity_factor="
        self.assertEqual(names, [
            f"0000-{label}0.5,text=words.txt", f"0001-{label}0.5,text=more_words.txt",
            f"0002-{label}null,text=words.txt", f"0003-{label}null,text=more_words.txt",
            "comparison.svg"])
        drops = [json.loads((self.folder / "out" / name / "result.json").read_text())["drop_rate"]
                 for name in names[:4]]
        self.assertTrue(min(drops[:2]) >= 0.5 and drops[2:] == [0, 0], drops)
        svg = (self.folder / "out/comparison.svg").read_text()
        self.assertEqual(svg.count("<polyline"), 2)


class Interrupted(TrainTest):
    STEPS = 40

    def setUp(self):
        super().setUp()
        self.file = self.write("small.json",
                               small_training(steps=self.STEPS, checkpoint_every=1))

    def assert_same_run(self, output, whole):
        self.assertEqual(self.weights(output), self.weights(whole))
        for name in ("result.json", "curve.csv", "config.json"):
            self.assertEqual((self.folder / output / name).read_bytes(),
                             (self.folder / whole / name).read_bytes(), name)

    def test_killed_at_any_moment_it_ends_in_the_same_bytes(self):
        self.train("whole")
        kills = 0
        draw = random.Random(1)
        for _ in range(8):
            process = self.start("killed", "--resume")
            self.wait_for_checkpoint(process, "killed")
            time.sleep(draw.uniform(0, 0.05))
            process.kill()
            kills += process.wait(60) == -signal.SIGKILL
        self.assertGreater(kills, 0)
        self.train("killed", "--resume")
        self.assert_same_run("killed", "whole")

    def test_it_goes_on_in_the_arithmetic_that_it_was_begun_in(self):
        self.train("run")
        path = self.folder / "run/provenance.json"
        provenance = json.loads(path.read_text())
        self.assertEqual(provenance["arithmetic"], "processor")
        path.write_text(json.dumps({**provenance, "arithmetic": "cuda:bf16"}))
        done = self.moesim("train", self.file, "-o", "run", "--resume")
        self.assert_refused(done, "run", "the run was begun in the arithmetic of cuda:bf16, and "
                            "this would be the processor's arithmetic",
                            "go on with --backend cuda:bf16, or train in another folder")

    def test_the_backends_of_its_stretches_are_named(self):
        self.train("run")
        self.train("run", "--resume", "--backend", "auto", "--set", "training.steps=60")
        provenance = json.loads((self.folder / "run/provenance.json").read_text())
        self.assertEqual(provenance["backends"], ["cpu", provenance["backend"]])

    def wait_for_checkpoint(self, process, output):
        limit = time.monotonic() + 20
        while not (self.folder / output / "checkpoints/latest").exists():
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.002)

    def interrupt(self, number):
        """Stops a training by a signal and returns the command that goes on with it."""
        process = self.start("a b", "--set", "training.steps=100000")
        self.wait_for_checkpoint(process, "a b")
        process.send_signal(number)
        said = process.stderr.read().decode()
        self.assertEqual(process.wait(60), 3, said)
        last = said.splitlines()[-1]
        self.assertRegex(last, r"^moesim: interrupted; to go on: .*'a b'.* --resume$")
        return shlex.split(last.split("to go on: ")[1])

    def test_an_interrupted_training_says_how_to_go_on(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                command = self.interrupt(number)
                self.assertFalse((self.folder / "a b/result.json").exists())
                steps = json.loads((self.checkpoint("a b") / "checkpoint.json").read_text())["step"]
                command[command.index("training.steps=100000")] = f"training.steps={steps + 2}"
                done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False,
                                      timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                result = json.loads((self.folder / "a b/result.json").read_text())
                self.assertEqual(result["steps"], steps + 2)
                (self.folder / "a b").rename(self.folder / number.name)

    def test_a_finished_run_is_taken_as_it_is(self):
        self.train("run")
        files = {path: path.read_bytes() for path in (self.folder / "run").rglob("*")
                 if path.is_file()}
        self.train("run", "--resume")
        self.assertEqual({path: path.read_bytes() for path in files}, files)

    def test_a_folder_with_a_run_is_refused_without_resume(self):
        self.train("run")
        before = self.weights("run")
        done = self.moesim("train", self.file, "-o", "run")
        self.assert_refused(done, "run", "holds a training run already", "--resume")
        self.assertEqual(self.weights("run"), before)

    def test_another_configuration_or_fewer_steps_cannot_be_resumed(self):
        self.train("run")
        done = self.moesim("train", self.file, "-o", "run", "--resume", "--set", "training.seed=9")
        self.assert_refused(done, "run  /training/seed", "begun with another seed", "config.json")
        flag = f"training.steps={self.STEPS - 1}"
        done = self.moesim("train", self.file, "-o", "run", "--resume", "--set", flag)
        self.assert_refused(done, f"--set {flag}  /training/steps", f"{self.STEPS} steps already",
                            f"at least {self.STEPS}")


class Using(TrainTest):
    """generate and inspect on what one training left."""

    def setUp(self):
        super().setUp()
        self.train("run")

    def generate(self, *arguments):
        """The bytes that are written; an untrained model's need not be UTF-8."""
        command = [moesim_process.BINARY, "generate", *map(str, arguments)]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=True,
                              timeout=60).stdout

    def test_generate_writes_the_same_bytes_every_time(self):
        asked = ("--prompt", "gate ", "--bytes", 50, "--seed")
        text = self.generate("run", *asked, 1)
        self.assertTrue(text.startswith(b"gate "))
        self.assertEqual(len(text), 5 + 50 + 1)
        self.assertNotEqual(self.generate("run", *asked, 2), text)
        for place in ("run", "run/checkpoints", self.checkpoint("run")):
            self.assertEqual(self.generate(place, *asked, 1), text)

    def test_the_likeliest_bytes_need_no_seed(self):
        likeliest = self.generate("run", "-b", 20, "--seed", 1, "-t", 0)
        self.assertEqual(self.generate("run", "-b", 20, "--seed", 2, "-t", 0), likeliest)
        self.assertEqual(self.generate("run", "-b", 20, "--seed", 3, "--top-k", 1), likeliest)

    def test_inspect_shows_the_model_and_its_routing(self):
        done = self.succeed("inspect", "run", "--text", "words.txt", "--svg", "load.svg")
        self.assertIn("trained for 20 steps; 3 layers, hidden 16, 4 experts, top-2", done.out)
        nats, bits = map(float, re.search(r"([\d.]+) nats, ([\d.]+) bits/byte", done.out).groups())
        self.assertAlmostEqual(bits, nats / math.log(2), delta=1e-3)
        self.assertEqual((self.folder / "load.svg").read_text().count("<title>layer 2, "), 4)

    def test_inspect_says_the_same_on_any_backend(self):
        shown = [self.succeed("inspect", "run", "--text", "words.txt", "--backend", backend).out
                 for backend in ("cpu", "auto")]
        self.assertEqual(shown[0], shown[1])

    def test_inspect_captures_a_layer(self):
        for name in ("layer.json", "layer.safetensors"):
            done = self.succeed("inspect", "run", "--text", "words.txt", "--layer", 1,
                                "--capture", name)
            self.assertIn(f"layer 1's data on the first 16 bytes in {name}", done.out)
        capture = json.loads((self.folder / "layer.json").read_text())
        self.assertEqual(capture["layer"], 1)
        self.assertEqual([len(row) for row in capture["gate_scores"]], [4] * 16)
        self.assertTrue(all(0 <= expert < 4 for row in capture["top_k_indices"] for expert in row))
        header = (self.folder / "layer.safetensors").read_bytes()
        self.assertIn(b"expert_outputs.3.outputs", header)

    def test_a_picture_replaces_only_a_file(self):
        (self.folder / "folder").mkdir()
        done = self.moesim("inspect", "run", "--text", "words.txt", "--svg", "folder")
        self.assertEqual(done.code, 2)
        self.assertIn("folder\n  is there already and is no regular file", done.err)
        self.assertTrue((self.folder / "folder").is_dir())

    def test_a_temperature_that_is_no_number_is_refused(self):
        self.assert_refused(self.moesim("generate", "run", "--temperature", "nan"),
                            "--temperature", "not a number", "0 to 100")

    def test_captures_that_cannot_be(self):
        before = {path for path in self.folder.rglob("*")}
        asked = ("inspect", "run", "--text", "words.txt", "--svg", "load.svg", "--capture")
        for layer in (0, LAYERS):
            done = self.moesim(*asked, "layer.json", "--layer", layer)
            self.assert_refused(done, "--layer", f"{layer} is not a MoE layer", "are 1, 2")
        done = self.moesim(*asked, "layer.txt", "--layer", 1)
        self.assert_refused(done, "--capture", '"layer.txt" is neither JSON nor safetensors',
                            ".json or .safetensors")
        self.assertEqual({path for path in self.folder.rglob("*")}, before)

    def test_a_layer_of_a_dense_model_cannot_be_captured(self):
        experts = ("first_k_dense_replace", "moe_intermediate_size", "router")
        training = small_training(steps=1)
        training["model"] = {"use_moe": False, **{key: value for key, value in
                                                  training["model"].items() if key not in experts}}
        self.file = self.write("dense.json", training)
        self.train("dense")
        self.succeed("inspect", "dense", "--text", "words.txt")
        done = self.moesim("inspect", "dense", "--text", "words.txt", "--capture", "a.json")
        self.assert_refused(done, "--layer", "0 is not a MoE layer", "the model is dense")

    def test_texts_that_cannot_be_inspected(self):
        done = self.moesim("inspect", "run", "--text", "absent.txt")
        self.assert_refused(done, "absent.txt", "there is no such path", "readable text file")
        self.write("short.txt", "16 bytes of text")
        done = self.moesim("inspect", "run", "--text", "short.txt")
        self.assert_refused(done, "short.txt", "has 16 bytes, and at least 17", "a longer text")

    def test_a_prompt_without_a_byte(self):
        done = self.moesim("generate", "run", "--prompt", "")
        self.assert_refused(done, "--prompt", "nothing to write on from", "at least one byte")

    def test_damaged_checkpoints(self):
        def refuse(where, what, hint):
            for command in (("generate", "run"), ("inspect", "run", "--svg", "load.svg")):
                self.assert_refused(self.moesim(*command), where, what, hint)
            self.assertFalse((self.folder / "load.svg").exists())

        folder = self.checkpoint("run").relative_to(self.folder)
        weights = self.folder / folder / "model.safetensors"
        content = weights.read_bytes()
        flipped = content[:-1] + bytes([content[-1] ^ 1])
        for damaged in (content[:-1], content[:100], b"", flipped, content + b"x"):
            weights.write_bytes(damaged)
            refuse(folder / "model.safetensors", "sha256 differs", "earlier checkpoint")
        weights.unlink()
        refuse(folder / "model.safetensors", "there is no such file", "earlier checkpoint")
        weights.write_bytes(content)
        self.write(folder / "checkpoint.json", "{}")
        refuse(folder / "checkpoint.json", "not a checkpoint of moesim", "training run wrote")
        self.write("run/checkpoints/latest", "step_00000099\n")
        refuse("run/checkpoints/latest", "which is no checkpoint", "")

    def test_what_is_no_checkpoint(self):
        for command in ("generate", "inspect"):
            done = self.moesim(command, "absent")
            self.assert_refused(done, "absent", "there is no such folder", "training run wrote")
            done = self.moesim(command, "words.txt")
            self.assert_refused(done, "words.txt", "a file, not a folder", "training run wrote")


class BadInput(TrainTest):
    def refuse(self, text, where, what, hint, *arguments):
        """Also checks that there is no folder of results afterwards."""
        self.write("bad.json", text)
        done = self.moesim("train", "bad.json", "-o", "out", *arguments)
        self.assert_refused(done, where, what, hint)
        self.assertFalse((self.folder / "out").exists())

    def written(self, **changes):
        """The file on one line, and where a text is in it."""
        text = json.dumps({**small_training(), **changes})
        return text, lambda part: f"bad.json:1:{text.index(part) + 1}"

    def test_keys_and_presets_that_are_misspelt(self):
        text, place = self.written(training={"stepps": 5})
        self.refuse(text, place('"stepps"') + "  /training/stepps", 'unknown key "stepps"',
                    'did you mean "steps"?')
        text, place = self.written(model={"preset": "tyni"})
        self.refuse(text, place('"tyni"'), 'unknown preset "tyni"', 'did you mean "tiny"?')
        self.refuse(json.dumps(small_training()), "--set training.stepps=5  /training/stepps",
                    'unknown key "stepps"', 'did you mean "steps"?', "--set", "training.stepps=5")

    def test_settings_that_do_not_fit(self):
        text, place = self.written(model={"preset": "tiny", "hidden_size": 30})
        self.refuse(text, place('"tiny"') + "  /model/num_attention_heads",
                    "4 heads do not divide hidden_size 30", "a divisor of hidden_size")
        text, place = self.written(training={"gradient_accumulation_steps": 3})
        self.refuse(text, place("3}") + "  /training/gradient_accumulation_steps",
                    "3 micro-batches do not divide 8", "a divisor of batch_size")
        text, place = self.written(training={"steps": 0})
        self.refuse(text, place("0}") + "  /training/steps", "no step to train", "at least 1")

    def test_texts_that_cannot_be_trained_on(self):
        text, place = self.written(text="absent.txt")
        self.refuse(text, place('"absent.txt"') + "  /text",
                    "absent.txt: cannot read the text: there is no such path", "readable text file")
        self.write("short.txt", "x" * 169)
        text, place = self.written(text="short.txt")
        # A tenth is held out, and 17 bytes of it make a window and the byte after it.
        self.refuse(text, place('"short.txt"') + "  /text", "has 169 bytes, and at least 170",
                    "a longer text")

    def test_a_training_that_diverges_says_where_its_rate_is(self):
        text, place = self.written(training={"learning_rate": 1e30, "clip_grad_norm": 0})
        self.write("bad.json", text)
        done = self.moesim("train", "bad.json", "-o", "out")
        self.assert_refused(done, place("1e+30") + "  /training/learning_rate", "diverged",
                            "lower learning_rate")

    def test_folders_that_cannot_be_made(self):
        done = self.moesim("train", self.file, "-o", "words.txt")
        self.assert_refused(done, "words.txt", "cannot be made", "may be written to")


if __name__ == "__main__":
    moesim_process.main()
