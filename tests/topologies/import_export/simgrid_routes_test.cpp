// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/topologies/import_export/refusal.h"
#include "topologies/import_export/simgrid_platform.h"

namespace moesim::topologies {
namespace {

using testing::refusal;

std::string platform(const std::string& routing, const std::string& body) {
  return "<platform version=\"4.1\"><zone id=\"z\" routing=\"" + routing + "\">\n" + body +
         "\n</zone></platform>";
}

std::string host(const std::string& id) { return "<host id=\"" + id + "\" speed=\"1Gf\"/>"; }

std::string link(const std::string& id, const std::string& policy = "SPLITDUPLEX") {
  return "<link id=\"" + id + "\" bandwidth=\"1GBps\" latency=\"1us\" sharing_policy=\"" + policy +
         "\"/>";
}

std::string route(const std::string& from, const std::string& to, const std::string& steps,
                  const std::string& extra = "") {
  std::string text = "<route src=\"" + from + "\" dst=\"" + to + "\"" + extra + ">";
  for (std::size_t i = 0; i < steps.size(); i += 2) {
    const char* direction = steps[i + 1] == '+' ? " direction=\"UP\"" : " direction=\"DOWN\"";
    text += std::string("<link_ctn id=\"") + steps[i] + "\"" +
            (steps[i + 1] == '.' ? "" : direction) + "/>";
  }
  return text + "</route>\n";
}

// Three hosts, a cable each; routes of two links meet at one place, which becomes a switch.
TEST(SimgridRoutes, LinksMeetAtASwitch) {
  const std::string text = platform("Full", host("A") + host("B") + host("C") + link("a") +
                                                link("b") + link("c") + route("A", "B", "a+b-") +
                                                route("A", "C", "a+c-") + route("B", "C", "b+c-"));
  const Cluster cluster = cluster_from_text(text, Format::simgrid_xml, "file");
  ASSERT_EQ(cluster.vertices.size(), 4u);
  EXPECT_EQ(cluster.vertices[3].name, "junction0");
  EXPECT_EQ(cluster.vertices[3].kind, VertexKind::fabric_switch);
  EXPECT_EQ(cluster.num_ranks(), 3);
  EXPECT_EQ(cluster.num_nodes, 3);
  ASSERT_EQ(cluster.links.size(), 6u);
  EXPECT_EQ(cluster.links[0].name, "a:up");
  EXPECT_EQ(cluster.links[0].from, 0);
  EXPECT_EQ(cluster.links[0].to, 3);
  EXPECT_EQ(cluster.links[1].name, "a:down");
  EXPECT_EQ(cluster.links[1].from, 3);
}

// A Floyd zone names its edges; routers keep their names.
TEST(SimgridRoutes, EdgesOfAFloydZoneAreLinks) {
  const std::string text =
      platform("Floyd", host("A") + host("B") + "<router id=\"R\"/>" + link("a") + link("b") +
                            route("A", "R", "a+") + route("R", "B", "b+"));
  const Cluster cluster = cluster_from_text(text, Format::simgrid_xml, "file");
  ASSERT_EQ(cluster.vertices.size(), 3u);
  EXPECT_EQ(cluster.vertices[2].name, "R");
  EXPECT_EQ(cluster.links.size(), 4u);
}

TEST(SimgridRoutes, OneWayLinksAreShared) {
  const std::string one_way = " symmetrical=\"NO\"";
  const std::string text =
      platform("Full", host("A") + host("B") + link("f", "SHARED") + link("g", "SHARED") +
                           route("A", "B", "f.", one_way) + route("B", "A", "g.", one_way));
  const Cluster cluster = cluster_from_text(text, Format::simgrid_xml, "file");
  ASSERT_EQ(cluster.links.size(), 2u);
  EXPECT_EQ(cluster.links[1].name, "g");
  EXPECT_EQ(cluster.links[1].from, 1);
}

struct Case {
  std::string body;
  const char* message;
};

TEST(SimgridRoutes, RefuseWhatIsNoGraphOfOneWayLinks) {
  const std::string hosts = host("A") + host("B") + host("C");
  const std::string one_way = " symmetrical=\"NO\"";
  const Case cases[] = {
      // One link for both directions.
      {hosts + link("f", "SHARED") + route("A", "B", "f."), "shared by both directions"},
      {hosts + link("f", "SHARED") + route("A", "B", "f.", one_way) +
           route("B", "A", "f.", one_way),
       "put \"A\" and \"B\" at one place"},
      // A cable that leads from A to two hosts at once.
      {hosts + link("a") + route("A", "B", "a+") + route("A", "C", "a+"),
       "put \"B\" and \"C\" at one place"},
      {hosts + route("A", "B", ""), "a route without links"},
  };
  for (const Case& entry : cases) {
    const base::Error error = refusal(Format::simgrid_xml, platform("Full", entry.body));
    EXPECT_TRUE(error.where().starts_with("file:")) << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
  }
}

// A and B have a cable of their own, and the route goes the long way round over a switch.
TEST(SimgridRoutes, RefuseDetours) {
  const std::string one_way = " symmetrical=\"NO\"";
  const std::string text =
      platform("Full", host("A") + host("B") + host("C") + link("a") + link("b") + link("c") +
                           link("d") + route("A", "C", "a+c-") + route("B", "C", "b+c-") +
                           route("B", "A", "d+", one_way) + route("A", "B", "a+b-", one_way) +
                           "<route src=\"A\" dst=\"B\" symmetrical=\"NO\"><link_ctn id=\"d\" "
                           "direction=\"DOWN\"/></route>");
  const base::Error error = refusal(Format::simgrid_xml, text);
  EXPECT_NE(error.message().find("takes 2 links, the shortest way 1"), std::string::npos)
      << error.what();
}

}  // namespace
}  // namespace moesim::topologies
