// SPDX-License-Identifier: Apache-2.0
// A cluster as a SimGrid platform: the ranks are the hosts of one zone of routing Full, each of our
// links is a SimGrid link, and every pair of ranks has its route written out, so that SimGrid and
// SMPI send over exactly the links that moesim's Router chooses. Properties that SimGrid passes
// over carry what it has no words for. (Elements: SimGrid 3.32's platform reference, DTD
// version 4.1.)
#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "base/named_table.h"
#include "base/xml_text.h"
#include "topologies/import_export/cluster_reader.h"
#include "topologies/import_export/formats.h"

namespace moesim::topologies {
namespace {

// Routes grow with the square of the ranks: 256 ranks are 65,280 routes, about 20 MB.
constexpr int kMaxRanks = 256;

// For attributes in single quotes.
std::string escaped(const std::string& text) {
  std::string out = base::xml_escaped(text);
  for (std::size_t at = out.find('\''); at != std::string::npos; at = out.find('\'', at)) {
    out.replace(at, 1, "&apos;");
  }
  return out;
}

// The name comes last, since it alone may hold spaces and equal signs.
std::string vertex_property(const Cluster& cluster, std::size_t vertex) {
  std::string fields;
  std::string name;
  for (const Attribute& attribute : attributes_of(cluster, vertex)) {
    std::string value = attribute.value;
    if (attribute.key == "name") {
      name = value;
      continue;
    }
    for (char& c : value) c = c == ' ' ? ',' : c;
    fields += attribute.key + "=" + value + " ";
  }
  return escaped(fields + "name=" + name);
}

std::string link_element(const Cluster& cluster, const Link& link) {
  return fmt::format(
      "    <link id=\"{}\" bandwidth=\"{:.17g}Bps\" latency=\"{:.17g}s\" "
      "sharing_policy=\"SHARED\">\n"
      "      <prop id=\"kind\" value=\"{}\"/><prop id=\"from\" value=\"{}\"/>"
      "<prop id=\"to\" value=\"{}\"/>\n    </link>\n",
      escaped(link.name), link.bandwidth.value, link.latency.value, base::name_in_words(link.kind),
      escaped(cluster.vertices[link.from].name), escaped(cluster.vertices[link.to].name));
}

std::string route_element(Router& router, int source, int destination) {
  const Cluster& cluster = router.cluster();
  std::string text = fmt::format("    <route src=\"{}\" dst=\"{}\" symmetrical=\"NO\">",
                                 escaped(cluster.vertices[cluster.accelerators[source]].name),
                                 escaped(cluster.vertices[cluster.accelerators[destination]].name));
  for (const int link : router.route(source, destination)) {
    text += "<link_ctn id=\"" + escaped(cluster.links[link].name) + "\"/>";
  }
  return text + "</route>\n";
}

void check_exportable(const Cluster& cluster, const RoutingOptions& routing) {
  if (cluster.num_ranks() > kMaxRanks) {
    throw base::Error("",
                      fmt::format("{} ranks are more than the {} whose routes fit a SimGrid file",
                                  cluster.num_ranks(), kMaxRanks),
                      "export a smaller cluster, or as .json, .graphml or .dot");
  }
  if (routing.policy == RoutingPolicy::spray) {
    throw base::Error("", "spray sends each message over many ways, a SimGrid route is one",
                      "choose ecmp to export");
  }
}

}  // namespace

std::string to_simgrid_text(const Cluster& cluster, const RoutingOptions& routing) {
  check_exportable(cluster, routing);
  std::string text =
      "<?xml version=\"1.0\"?>\n"
      "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
      "<platform version=\"4.1\">\n  <zone id=\"moesim\" routing=\"Full\">\n";
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    text +=
        fmt::format("    <prop id=\"vertex {}\" value=\"{}\"/>\n", v, vertex_property(cluster, v));
  }
  // SimGrid has no use for a speed here, but does not load a host without one.
  for (const int vertex : cluster.accelerators) {
    text += fmt::format("    <host id=\"{}\" speed=\"1Gf\"/>\n",
                        escaped(cluster.vertices[vertex].name));
  }
  for (const Link& link : cluster.links) text += link_element(cluster, link);
  Router router(cluster, routing);
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      if (source != destination) text += route_element(router, source, destination);
    }
  }
  return text + "  </zone>\n</platform>\n";
}

}  // namespace moesim::topologies
