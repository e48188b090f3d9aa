// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/csv_table.h"

#include <fstream>

#include "base/error.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

std::string csv_field(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    line += csv_field(field);
  }
  return line + "\r\n";
}

void write_csv(const StoredRun& run, const fs::path& path) {
  fs::path unfinished = path;
  unfinished += ".partial";
  std::ofstream file(unfinished, std::ios::binary);
  file << csv_line(table_columns(run));
  std::vector<std::string> fields;
  for_each_row(run, [&](const TableRow& row) {
    fields.clear();
    for (const Cell& cell : row) fields.push_back(cell.text);
    file << csv_line(fields);
  });
  file.close();
  std::error_code failure;
  if (file) fs::rename(unfinished, path, failure);
  if (file && !failure) return;
  fs::remove(unfinished, failure);
  throw base::Error(path.string(), "cannot be written",
                    "check the folder's permissions and the disk's space");
}

}  // namespace moesim::experiments
