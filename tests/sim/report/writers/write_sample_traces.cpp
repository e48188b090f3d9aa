// SPDX-License-Identifier: Apache-2.0
// Writes the example step's trace in every format into the folder named on the command line.
#include <filesystem>
#include <fstream>

#include "tests/sim/report/writers/example_step.h"

int main(int argc, char** argv) {
  using namespace moesim::sim;
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const testing::ExampleStep example;
  for (const auto& [format, name] : names_of(TraceFormat{})) {
    std::ofstream file(folder / trace_file_name(format), std::ios::binary);
    file << render_trace(format, example.input());
    if (!file.flush()) return 1;
  }
  return 0;
}
