// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/import_export.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/named_table.h"
#include "topologies/import_export/cluster_checks.h"
#include "topologies/import_export/formats.h"

namespace moesim::topologies {
namespace {

constexpr std::uintmax_t kMaximumBytes = 64u << 20;

struct FormatEntry {
  Format id;
  const char* name;
  std::vector<std::string> endings;
  Cluster (*read)(std::string_view, const std::string&);
  std::string (*write)(const Cluster&);  // null where routes are written too
};

// Every format there is: the one place to add another.
const std::vector<FormatEntry>& formats() {
  static const std::vector<FormatEntry> table = {
      {Format::json, "json", {".json"}, cluster_from_json, to_json_text},
      {Format::simgrid_xml, "simgrid_xml", {".xml"}, cluster_from_simgrid, nullptr},
      {Format::graphml, "graphml", {".graphml"}, cluster_from_graphml, to_graphml_text},
      {Format::dot, "dot", {".dot", ".gv"}, cluster_from_dot, to_dot_text},
  };
  return table;
}

// A pipe or a device could block for ever or never end, so the kind is looked at before opening.
void check_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (status.type() == fs::file_type::not_found) {
    throw base::Error(path, "there is no such file", "check the path");
  }
  if (!fs::is_regular_file(status)) {
    throw base::Error(path,
                      failure ? "it cannot be looked at: " + failure.message()
                              : std::string("not a regular file"),
                      "name a plain file");
  }
  const std::uintmax_t size = fs::file_size(path, failure);
  if (!failure && size > kMaximumBytes) {
    throw base::Error(path,
                      "the file has " + std::to_string(size) + " bytes; 64 MiB is the largest read",
                      "describe a part of the cluster");
  }
}

std::string read_text(const std::string& path) {
  check_file(path);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw base::Error(path, std::string("cannot be read: ") + std::strerror(errno));
  std::string text;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaximumBytes) {
      throw base::Error(path, "the file grew beyond 64 MiB while it was read");
    }
  }
  if (file.bad()) throw base::Error(path, "reading failed");
  return text;
}

}  // namespace

base::EnumNames<Format> names_of(Format) { return base::names_in(formats()); }

Format format_of(const std::string& path) {
  std::string endings;
  for (const FormatEntry& entry : formats()) {
    for (const std::string& ending : entry.endings) {
      if (path.ends_with(ending)) return entry.id;
      endings += (endings.empty() ? "" : ", ") + ending;
    }
  }
  throw base::Error(path, "the name's ending says no format", "end it in one of " + endings);
}

bool is_graph_file(const std::string& path) {
  const auto ends = [&](const std::string& ending) { return path.ends_with(ending); };
  for (const FormatEntry& entry : formats()) {
    const bool named = std::any_of(entry.endings.begin(), entry.endings.end(), ends);
    if (named && entry.id != Format::json) return true;
  }
  if (!path.ends_with(".json")) return false;
  const std::string text = read_text(path);
  std::string_view rest = text;
  const std::size_t key = rest.find("\"format\"");
  if (key == std::string_view::npos) return false;
  rest.remove_prefix(key + std::string_view("\"format\"").size());
  const std::size_t value = rest.find_first_not_of(" \t\r\n:");
  return value != std::string_view::npos &&
         rest.substr(value).starts_with(std::string("\"") + kJsonFormat + "\"");
}

Cluster cluster_from_text(std::string_view text, Format format, const std::string& name) {
  return base::row_of(formats(), format).read(text, name);
}

Cluster read_cluster(const std::string& path) {
  const Format format = format_of(path);
  return cluster_from_text(read_text(path), format, path);
}

std::string to_text(const Cluster& cluster, Format format, const RoutingOptions& routing) {
  const auto nowhere = [](std::size_t) { return std::string(); };
  check_cluster(cluster, {"", nowhere, nowhere});
  const FormatEntry& entry = base::row_of(formats(), format);
  return entry.write == nullptr ? to_simgrid_text(cluster, routing) : entry.write(cluster);
}

void write_cluster(const Cluster& cluster, const std::string& path, const RoutingOptions& routing) {
  const std::string text = to_text(cluster, format_of(path), routing);
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) throw base::Error(path, std::string("cannot be written: ") + std::strerror(errno));
}

}  // namespace moesim::topologies
