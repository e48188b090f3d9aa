# SPDX-License-Identifier: Apache-2.0
"""`moesim edit` as a user does it: prune, add, remove, distill, import, and train each on."""

import json
import random
import re
import shlex
import struct

import moesim_process
from moesim_process import MoesimTest

WORDS = ("route", "token", "expert", "gate", "switch", "load")
EXPERTS, HIDDEN, UNITS = 8, 16, 8
STEPS = 40
EXPERT = HIDDEN + 3 * UNITS * HIDDEN  # numbers of one expert and its router row


def training_file():
    """Two MoE layers; a step takes a millisecond."""
    return {
        "name": "small",
        "text": "words.txt",
        "model": {"num_hidden_layers": 2, "hidden_size": HIDDEN, "num_attention_heads": 2,
                  "seq_length": 16, "moe_intermediate_size": UNITS,
                  "router": {"num_experts": EXPERTS, "num_experts_per_tok": 2}},
        "training": {"steps": STEPS, "batch_size": 8, "learning_rate": 1e-2,
                     "validation_every": 20},
    }


def published_shard(experts=EXPERTS, hidden=HIDDEN, units=UNITS):
    """A safetensors file with layer 3 of a model of Qwen's layout."""
    draw = random.Random(1)
    shapes = {"model.layers.3.mlp.gate.weight": (experts, hidden)}
    for expert in range(experts):
        part = f"model.layers.3.mlp.experts.{expert}."
        shapes[part + "gate_proj.weight"] = (units, hidden)
        shapes[part + "up_proj.weight"] = (units, hidden)
        shapes[part + "down_proj.weight"] = (hidden, units)
    header, data = {}, b""
    for name, (rows, columns) in shapes.items():
        values = [draw.gauss(0, columns ** -0.5) for _ in range(rows * columns)]
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": [rows, columns],
                        "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class EditTest(MoesimTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(4)
        self.write("words.txt", " ".join(draw.choice(WORDS) for _ in range(800)))
        self.write("small.json", training_file())
        self.succeed("train", "small.json", "-o", "run", "-j", 1)

    def succeed(self, *arguments):
        done = self.moesim(*arguments, limit=60)
        self.assertEqual(done.code, 0, done.err)
        return done

    def edit(self, *arguments, output="edited", source="run"):
        """Edits and returns (MoE layers, experts, parameters, loss), each (before, after)."""
        done = self.succeed("edit", source, "-o", output, "--text", "words.txt", "-j", 1, *arguments)
        self.assertEqual(done.err, "")
        self.said = done.out.splitlines()
        pairs = re.findall(r"([\d.]+) -> ([\d.]+)", self.said[1])
        return [(float(before), float(after)) for before, after in pairs]

    def train_on(self, output="edited", steps=2 * STEPS):
        self.succeed("train", f"{output}/training.json", "-o", output, "--resume", "-j", 1,
                     "--set", f"training.steps={steps}")
        return json.loads((self.folder / output / "result.json").read_text())

    def refuse(self, where, what, hint, *arguments, output="edited", source="run"):
        before = sorted(self.folder.rglob("*"))
        done = self.moesim("edit", source, "-o", output, *arguments, limit=60)
        self.assertEqual((done.code, done.out), (2, ""), done.err)
        lines = [line for line in done.err.splitlines() if "warning" not in line]
        self.assertEqual(len(lines), 3, done.err)
        self.assertIn(where, lines[0])
        self.assertIn(what, lines[1])
        self.assertIn(hint, lines[2])
        self.assertEqual(sorted(self.folder.rglob("*")), before)


class Edits(EditTest):
    def test_pruned_to_the_most_used_experts(self):
        layers, experts, parameters, loss = self.edit("--prune", 4)
        self.assertEqual((layers, experts), ((2, 2), (8, 4)))
        self.assertEqual(parameters[0] - parameters[1], 2 * 4 * EXPERT)
        result = self.train_on()
        self.assertEqual(result["parameters"], parameters[1])
        self.assertEqual(result["steps"], 2 * STEPS)
        self.assertLess(result["validation_loss"], loss[1])
        self.assertLess(result["validation_loss"], loss[0] + 0.2)

    def test_copies_added(self):
        _, experts, parameters, loss = self.edit("--add", 2)
        self.assertEqual(experts, (8, 10))
        self.assertEqual(parameters[1] - parameters[0], 2 * 2 * EXPERT)
        self.assertLess(self.train_on()["validation_loss"], loss[0])

    def test_experts_removed(self):
        _, experts, _, loss = self.edit("--remove", "0,3,5")
        self.assertEqual(experts, (8, 5))
        self.assertIn("removed 0, 3, 5", self.said[0])
        self.assertLess(self.train_on()["validation_loss"], loss[1])

    def test_the_lowest_layer_distilled_then_the_next(self):
        layers, _, _, loss = self.edit("--distill", 200)
        self.assertEqual(layers, (2, 1))
        self.assertLess(loss[1], loss[0] + 0.5)
        self.assertLess(self.train_on()["validation_loss"], loss[0])
        layers, experts, _, _ = self.edit("--distill", 20, source="edited", output="dense")
        self.assertEqual((layers, experts), ((1, 0), (8, 0)))
        self.train_on("dense", 2 * STEPS + 10)

    def test_a_published_layer_imported(self):
        self.write("shard.safetensors", published_shard())
        arguments = ("--import-shard", "shard.safetensors", "--layer", 3, "--into", 1)
        layers, experts, parameters, loss = self.edit(*arguments)
        self.assertEqual((layers, experts), ((2, 2), (8, 8)))
        self.assertEqual(*parameters)
        self.assertNotEqual(*loss)
        self.assertLess(self.train_on()["validation_loss"], loss[1])

    def test_the_line_that_is_printed_trains_on(self):
        self.edit("--prune", 4, output="a folder/deep")
        words = shlex.split(self.said[2].removeprefix("to train on: "))
        self.assertEqual(words[0], "moesim")
        self.succeed(*words[1:])
        self.succeed("generate", "a folder/deep", "--bytes", 5)
        self.succeed("inspect", "a folder/deep", "--text", "words.txt")

    def test_the_loss_before_is_the_trained_models(self):
        before = self.edit("--prune", 8)[3]
        self.assertEqual(before[0], before[1])
        result = json.loads((self.folder / "run" / "result.json").read_text())
        self.assertAlmostEqual(before[0], result["validation_loss"], places=3)

    def test_trained_on_without_a_step_the_loss_is_the_edited_models(self):
        loss = self.edit("--prune", 3)[3]
        result = self.train_on(steps=STEPS)
        self.assertAlmostEqual(result["validation_loss"], loss[1], places=3)

    def test_another_text_is_a_warning_and_is_trained_on(self):
        self.write("other.txt", "another text " * 200)
        done = self.succeed("edit", "run", "-o", "edited", "--prune", 4, "--text", "other.txt")
        self.assertIn("another text than other.txt", done.err)
        self.train_on()

    def test_the_same_edit_gives_the_same_bytes(self):
        for arguments in (("--add", 2), ("--distill", 10)):
            for output in ("one", "two"):
                self.edit(*arguments, output=output + arguments[0])
            files = [self.folder / (output + arguments[0]) / "checkpoints" / f"step_{STEPS:08}"
                     for output in ("one", "two")]
            for name in ("model.safetensors", "optimizer.safetensors", "checkpoint.json"):
                self.assertEqual((files[0] / name).read_bytes(), (files[1] / name).read_bytes())


class Refusals(EditTest):
    def test_numbers_that_cannot_be(self):
        text = ("--text", "words.txt")
        self.refuse("--prune", "cannot keep 9", "number of experts", "--prune", 9, *text)
        self.refuse("--prune", "2 of 1", "", "--prune", 1, *text)
        self.refuse("--add", "cannot have 0", "number of experts", "--add", 0, *text)
        self.refuse("--remove", "no expert 8", "0 to 7", "--remove", "1,8", *text)
        self.refuse("--distill", "no step", "at least 1", "--distill", 0, *text)

    def test_exactly_one_edit(self):
        self.refuse("edit", "no edit is named", "--prune, --add")
        self.refuse("edit", "2 edits are named at once", "give one of", "--prune", 4, "--add", 1)
        self.refuse("--layer", "of use with --import-shard only", "leave it out", "--prune", 4,
                    "--layer", 1)
        self.refuse("--into", "the layer is not said", "--into of ours", "--import-shard", "x",
                    "--layer", 1)

    def test_shards_that_do_not_fit(self):
        def refuse(where, what, hint, layer=3, into=1, shard="shard.safetensors"):
            self.refuse(where, what, hint, "--text", "words.txt", "--import-shard", shard,
                        "--layer", layer, "--into", into)

        self.write("shard.safetensors", published_shard(hidden=12))
        refuse("--import-shard", "hidden_size 12, the model's 16", "train a model")
        self.write("shard.safetensors", published_shard(experts=4))
        refuse("--import-shard", "num_experts 4, the model's 8", "train a model")
        self.write("shard.safetensors", published_shard())
        refuse("shard.safetensors", "no gate of a MoE layer", "shard", layer=4)
        refuse("--into", "2 is not a MoE layer", "its MoE layers are 0, 1", into=2)
        refuse("--layer", "no layer to import", "from 0", layer=-1)
        self.write("shard.safetensors", published_shard()[:-5])
        refuse("shard.safetensors", "", "")
        refuse("absent.safetensors", "no such file", "", shard="absent.safetensors")

    def test_checkpoints_and_texts_that_are_none(self):
        self.refuse("absent", "there is no such folder", "training run", "--prune", 4,
                    source="absent")
        self.refuse("small.json", "a file, not a folder", "training run", "--prune", 4,
                    source="small.json")
        self.refuse("absent.txt", "", "", "--prune", 4, "--text", "absent.txt")
        self.write("short.txt", "token")
        self.refuse("short.txt", "5 bytes", "", "--prune", 4, "--text", "short.txt")

    def test_a_damaged_checkpoint(self):
        path = self.folder / "run" / "checkpoints" / f"step_{STEPS:08}" / "optimizer.safetensors"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        self.refuse("optimizer.safetensors", "not the one that was written", "", "--prune", 4)

    def test_folders_that_cannot_take_the_model(self):
        self.refuse("run", "holds a training run already", "--output", "--prune", 4, output="run")
        self.edit("--prune", 4)
        self.refuse("edited", "holds a training run already", "--output", "--prune", 4)
        self.refuse("words.txt", "cannot be made", "--output", "--prune", 4, output="words.txt")
        self.refuse("words.txt/in", "cannot be made", "--output", "--prune", 4,
                    output="words.txt/in")
        self.refuse("--output", "has no name", "write --output", "--prune", 4, output="")

    def test_a_folder_that_was_there_stays_with_what_it_holds(self):
        (self.folder / "mine").mkdir()
        self.write("mine/note.txt", "a note")
        self.refuse("--prune", "cannot keep 9", "", "--prune", 9, "--text", "words.txt",
                    output="mine")
        self.edit("--prune", 4, output="mine")
        self.assertEqual((self.folder / "mine" / "note.txt").read_text(), "a note")


if __name__ == "__main__":
    moesim_process.main()
