// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/dot_scan.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::topologies {
namespace {

TEST(DotScan, PassesPlainGraphs) {
  scan_dot("digraph {}", "file");
  scan_dot("/* a { brace */ digraph \"my {graph\" {\n# a line {\n a -> \"b:c\" [k=\"{x\", y=1];}",
           "file");
}

struct Case {
  std::string text;
  const char* where;
  const char* message;
};

TEST(DotScan, RefusesWhatBoostsReaderWouldChokeOn) {
  const std::string deep(100'000, '{');
  const Case cases[] = {
      {"digraph {\n subgraph x { a } }", "file:2", "subgraphs"},
      {"digraph {\n\n {a b} -> {c d} }", "file:3", "subgraphs"},
      {"digraph " + deep, "file:1", "subgraphs"},
      {"digraph { node [a=1] }", "file:1", "defaults of \"node\""},
      {"digraph { Edge [a=1] }", "file:1", "defaults of \"edge\""},
      {"strict digraph {}", "file:1", "\"strict\""},
      {"graph { a }", "file:1", "no direction"},
      {"digraph { a -- b }", "file:1", "no direction"},
      {"digraph { a [x=<b>] }", "file:1", "HTML"},
      {"digraph { a:n -> b }", "file:1", "ports"},
      {"digraph { \"a }", "file:1", "does not end"},
      {"digraph { /* a }", "file:1", "does not end"},
      {"digraph { a", "file:1", "not closed"},
      {"digraph { } }", "file:1", "closes what none opened"},
      {"digraph { } digraph { }", "file:1", "a second graph"},
      {"digraph { " + std::string(2000, 'a') + " }", "file:1", "more than 1000 bytes"},
      {"", "file:1", "there is no graph"},
  };
  for (const Case& entry : cases) {
    const base::Error error = base::thrown_error([&] { scan_dot(entry.text, "file"); });
    EXPECT_EQ(error.where(), entry.where) << entry.text.substr(0, 60);
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty());
  }
}

}  // namespace
}  // namespace moesim::topologies
