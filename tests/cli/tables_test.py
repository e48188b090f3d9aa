# SPDX-License-Identifier: Apache-2.0
"""results.csv and results.sqlite, read by Python's own modules, against results.ndjson."""

import csv
import json
import sqlite3

import moesim_process
from moesim_process import MoesimTest, small_experiment


def numbers_of(row, prefix=""):
    """Dotted key -> text of the row's numbers outside lists; of those of a JSON read with text."""
    found = {}
    for key, value in row.items():
        if isinstance(value, dict) and key != "scenario":
            found.update(numbers_of(value, prefix + key + "."))
        elif isinstance(value, Number):
            found[prefix + key] = value
    return found


class Number(str):
    """A number's text in the JSON."""


class Tables(MoesimTest):
    def setUp(self):
        super().setUp()
        sweep = {"model.num_experts_per_tok": [64, 2], "router.capacity_factor": [1.5, None],
                 "routing.synthetic.distribution": ["zipf", "uniform"]}
        file = self.write("small.json", small_experiment(
            question='one, or "two"?', network={"fidelity": "analytic"}, sweep=sweep))
        self.assertEqual(self.moesim("run", file).code, 0)
        self.axes = list(sweep)
        self.folder_of_run = self.latest("small")
        lines = (self.folder_of_run / "results.ndjson").read_text().splitlines()
        self.rows = [json.loads(line) for line in lines]
        self.texts = [json.loads(line, parse_float=Number, parse_int=Number) for line in lines]
        self.columns = []
        for row in self.texts:
            self.columns += [key for key in numbers_of(row) if key not in self.columns]
        self.assertGreater(len(self.columns), 40)

    def test_the_csv_has_the_numbers_as_the_json_writes_them(self):
        with open(self.folder_of_run / "results.csv", newline="", encoding="utf-8") as file:
            header, *table = csv.reader(file, strict=True)
        self.assertEqual(header, ["index", "id", "status", "reason", *self.axes, *self.columns])
        self.assertEqual(len(table), 8)
        for fields, row, text in zip(table, self.rows, self.texts):
            self.assertEqual(fields[:4], [text["scenario"]["index"], row["scenario"]["point"],
                                          row["status"], row["reason"]])
            swept = [text["scenario"]["swept"][axis] for axis in self.axes]
            self.assertEqual(fields[4:7], ["" if value is None else value for value in swept])
            numbers = numbers_of(text)
            self.assertEqual(fields[7:], [numbers.get(column, "") for column in self.columns])
        self.assertTrue(any(fields[3] for fields in table), "no reason to be quoted")

    def test_the_database_has_the_same_table_and_the_run(self):
        with sqlite3.connect(self.folder_of_run / "results.sqlite") as database:
            found = database.execute("SELECT * FROM points")
            self.assertEqual([column[0] for column in found.description],
                             ["index", "id", "status", "reason", *self.axes, *self.columns])
            table = found.fetchall()
            facts = database.execute("SELECT * FROM run")
            names = [column[0] for column in facts.description]
            [run] = [dict(zip(names, values)) for values in facts]
            [slow] = database.execute('SELECT max(step_time_s) FROM points WHERE status = "ok"')
        for values, row in zip(table, self.rows, strict=True):
            self.assertEqual(values[:4], (row["scenario"]["index"], row["scenario"]["point"],
                                          row["status"], row["reason"]))
            self.assertEqual(list(values[4:7]),
                             [row["scenario"]["swept"][axis] for axis in self.axes])
            for column, value in zip(self.columns, values[7:], strict=True):
                number = row
                for key in column.split("."):
                    number = number.get(key) if number is not None else None
                self.assertEqual((value, type(value)), (number, type(number)), column)
        self.assertEqual(slow[0], max(row.get("step_time_s") or 0 for row in self.rows))
        manifest = json.loads((self.folder_of_run / "manifest.json").read_text())
        for fact in ("name", "question", "status", "command", "num_points"):
            self.assertEqual(run[fact], manifest[fact])
        self.assertEqual(run["moesim"], f'{manifest["moesim"]} {manifest["commit"]}')

    def test_both_are_files_of_the_run(self):
        manifest = json.loads((self.folder_of_run / "manifest.json").read_text())
        paths = {file["path"] for file in manifest["files"]}
        self.assertLessEqual({"results.csv", "results.sqlite"}, paths)


if __name__ == "__main__":
    moesim_process.main()
