# SPDX-License-Identifier: Apache-2.0
"""`moesim topology`: clusters shown, drawn, written and read back."""

import json
import re
import xml.etree.ElementTree

import moesim_process
from moesim_process import MoesimTest, small_experiment

PRESET = ("h100_rail_fat_tree", "--set", "cluster.num_nodes=2")


class TopologyTest(MoesimTest):
    def topology(self, *arguments, code=0):
        done = self.moesim("topology", *arguments)
        self.assertEqual(done.code, code, done.err)
        return done

    def test_list_names_topologies_and_presets(self):
        text = self.topology("list").out
        for name in ("single_switch", "torus", "dragonfly", "h100_rail_fat_tree"):
            self.assertIn(f"  {name}", text)

    def test_show_prints_the_figures(self):
        text = self.topology("show", *PRESET).out
        self.assertIn("h100_rail_fat_tree: 16 accelerators on 2 nodes", text)
        self.assertRegex(text, r"tiers +switches")
        # 2 nodes of 8 NICs x 50 GB/s: the halves are the nodes.
        self.assertIn("400 GB/s between the halves", text)

    def test_show_as_json_has_the_same_figures(self):
        figures = json.loads(self.topology("show", *PRESET, "--json").out)
        self.assertEqual(figures["num_ranks"], 16)
        self.assertEqual(figures["bisection"]["halves_bytes_per_s"], 400e9)

    def test_an_experiment_and_a_section_are_clusters_too(self):
        experiment = self.write("experiment.json", small_experiment())
        section = self.write("section.json", small_experiment()["cluster"])
        first = self.topology("show", experiment).out.replace("experiment:", "section:", 1)
        self.assertEqual(first, self.topology("show", section).out)
        more = self.topology("show", experiment, "--set", "cluster.num_nodes=4").out
        self.assertIn("32 accelerators on 4 nodes", more)

    def test_every_format_reads_back_to_the_same_graph(self):
        self.topology("export", *PRESET, "-o", "first.json")
        first = (self.folder / "first.json").read_bytes()
        for name in ("graph.xml", "graph.graphml", "graph.dot"):
            self.topology("export", *PRESET, "-o", name)
            self.topology("import", name, "-o", "again.json")
            self.assertEqual((self.folder / "again.json").read_bytes(), first, name)
            self.assertIn("16 accelerators", self.topology("show", name).out)

    def test_draw_writes_well_formed_svg(self):
        self.topology("draw", *PRESET, "-o", "cluster.svg", "--title", "Two & two")
        root = xml.etree.ElementTree.parse(self.folder / "cluster.svg").getroot()
        title = root.find("{http://www.w3.org/2000/svg}title")
        self.assertEqual(title.text, "Two & two")

    def test_simgrid_reads_what_is_exported(self):
        self.topology("export", *PRESET, "-o", "platform.xml")
        root = xml.etree.ElementTree.parse(self.folder / "platform.xml").getroot()
        self.assertEqual(len(root.findall("zone/host")), 16)
        self.assertEqual(len(root.findall("zone/route")), 16 * 15)

    def test_the_users_errors_are_told_with_place_and_hint(self):
        self.write("graph.json", '{"format": "moesim cluster", "format_version": 1}')
        self.write("evil.xml", '<!DOCTYPE a [<!ENTITY l "lol">]><platform version="4.1"/>')
        for arguments, words in (
                (("show", "h100_rail_fat_tre"), 'did you mean "h100_rail_fat_tree"'),
                (("show", "h100_rail_fat_tree"), "--set cluster.num_nodes=8"),
                (("show", "absent.json"), "there is no such file"),
                (("show", "graph.json"), '"vertices" must be a list'),
                (("show", "evil.xml"), "the DOCTYPE declares"),
                (("show", *PRESET, "--set", "model.x=1"), "only keys of the cluster"),
                (("show", *PRESET, "--set", "cluster.num_nods=1"), "did you mean"),
                (("show", "graph.xml", "--set", "cluster.num_nodes=1"), "no keys to set"),
                (("export", *PRESET, "-o", "graph.yaml"), "the name's ending says no format"),
                (("export", "h100_rail_fat_tree", "--set", "cluster.num_nodes=64",
                  "-o", "graph.xml"), "512 ranks are more than the 256"),
                (("draw", *PRESET, "-o", "cluster.png"), "end the name in .svg"),
                (("import", "evil.xml", "-o", "x.json"), "the DOCTYPE declares"),
                (("show",), "cluster is required"),
                (("shw",), "subcommand is required")):
            done = self.topology(*arguments, code=2)
            self.assertIn(words, done.err)
            self.assertEqual(done.out, "")
        self.assertFalse((self.folder / "graph.xml").exists())
        self.assertFalse((self.folder / "x.json").exists())

    def test_hostile_files_end_quickly(self):
        deep = "<a>" * 3_000_000
        braces = "digraph " + "{" * 5_000_000
        commas = "[" + "0," * 20_000_000 + "0]"
        for name, text in (("deep.xml", deep), ("deep.graphml", deep), ("deep.dot", braces),
                           ("wide.json", '{"format": "moesim cluster", "x": ' + commas + "}")):
            done = self.topology("import", self.write(name, text), "-o", "x.json", code=2)
            self.assertTrue(re.match(rf"\S*{name}", done.err), done.err)
            self.assertLess(done.seconds, 10)


if __name__ == "__main__":
    moesim_process.main()
