// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/import_export.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/file_bytes.h"
#include "base/named_table.h"
#include "topologies/import_export/cluster_checks.h"
#include "topologies/import_export/formats.h"

namespace moesim::topologies {
namespace {

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

std::string read_text(const std::string& path) {
  return base::read_whole_file(path, {"file", 64, "describe a part of the cluster"});
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
