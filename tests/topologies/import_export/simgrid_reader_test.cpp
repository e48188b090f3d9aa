// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/topologies/import_export/refusal.h"
#include "topologies/import_export/simgrid_platform.h"

namespace moesim::topologies {
namespace {

using testing::refusal;
using testing::with;

// Two hosts on one cable each to a router that no route names.
constexpr const char* kPair = R"(<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="z" routing="Full">
    <host id="a" speed="1Gf"/>
    <host id="b" speed="1Gf" core="4"/>
    <link id="la" bandwidth="12.5GBps" latency="500ns" sharing_policy="SPLITDUPLEX"/>
    <link id="lb" bandwidth="100Gbps" latency="1us" sharing_policy="SPLITDUPLEX"/>
    <route src="a" dst="b">
      <link_ctn id="la" direction="UP"/><link_ctn id="lb" direction="DOWN"/></route>
  </zone>
</platform>
)";

TEST(SimgridReader, ReadsAZoneOfHostsLinksAndRoutes) {
  const SimgridPlatform platform = read_simgrid_platform(kPair, "file");
  EXPECT_TRUE(platform.full);
  ASSERT_EQ(platform.points.size(), 2u);
  EXPECT_TRUE(platform.points[1].is_host);
  ASSERT_EQ(platform.links.size(), 2u);
  EXPECT_EQ(platform.links[0].bandwidth, "12.5 GB/s");
  EXPECT_EQ(platform.links[0].latency, "500 ns");
  ASSERT_EQ(platform.routes.size(), 1u);
  EXPECT_EQ(platform.routes[0].steps, (std::vector<int>{0, 3}));
  EXPECT_TRUE(platform.routes[0].both_ways);
}

// 100 Gb/s are 12.5 GB/s.
TEST(SimgridReader, BitsAndBytesBecomeTheSame) {
  const Cluster cluster = cluster_from_text(kPair, Format::simgrid_xml, "file");
  ASSERT_EQ(cluster.links.size(), 4u);
  for (const Link& link : cluster.links) EXPECT_EQ(link.bandwidth.value, 12.5e9) << link.name;
  EXPECT_EQ(cluster.links[0].latency.value, 5e-7);
}

struct Case {
  const char* from;
  const char* to;
  const char* where;
  const char* message;
};

TEST(SimgridReader, NamesWhatIsWrongAndWhere) {
  const Case cases[] = {
      {"version=\"4.1\"", "version=\"3\"", "file:3", "platform version \"3\""},
      {"routing=\"Full\"", "routing=\"Vivaldi\"", "file:4", "\"Vivaldi\" has its routes built in"},
      {"<host id=\"a\" speed=\"1Gf\"/>", "<cluster id=\"a\"/>", "file:5", "<cluster> is not read"},
      {"<host id=\"a\" speed=\"1Gf\"/>", "<zone id=\"y\" routing=\"Full\"/>", "file:5",
       "<zone> is not read"},
      {"<host id=\"a\" speed=\"1Gf\"/>", "<include file=\"../../etc/passwd\"/>", "file:5",
       "<include> is not read"},
      {"<host id=\"a\"", "<host id=\"b\"", "file:6", "\"b\" is given twice"},
      {"<host id=\"a\"", "<host", "file:5", "<host> without \"id\""},
      {"id=\"lb\"", "id=\"la\"", "file:8", "\"la\" is given twice"},
      {"12.5GBps", "fast", "file:7", "does not begin with a number"},
      {"12.5GBps", "0GBps", "file:7", "above 0"},
      {"12.5GBps", "12.5", "file:7", "no unit"},
      {"500ns", "500parsec", "file:7", "unit"},
      {"SPLITDUPLEX", "FATPIPE", "file:7", "sharing_policy \"FATPIPE\""},
      {"sharing_policy=\"SPLITDUPLEX\"/>\n    <link id=\"lb\"", "/>\n    <link id=\"lb\"",
       "file:10", "a direction belongs to SPLITDUPLEX"},
      {"dst=\"b\"", "dst=\"c\"", "file:9", "\"c\" is no host or router"},
      {"dst=\"b\"", "dst=\"a\"", "file:9", "to itself"},
      {"<link_ctn id=\"la\"", "<link_ctn id=\"lc\"", "file:10", "\"lc\" is no link"},
      {"</zone>", "</zone><zone id=\"y\" routing=\"Full\"/>", "file:11", "a second zone"},
      {"SYSTEM \"https://simgrid.org/simgrid.dtd\"", "[<!ENTITY x SYSTEM \"/etc/passwd\">]",
       "file:2", "the DOCTYPE declares"},
  };
  for (const Case& entry : cases) {
    const base::Error error = refusal(Format::simgrid_xml, with(kPair, entry.from, entry.to));
    EXPECT_TRUE(error.where().starts_with(entry.where)) << entry.to << "\n" << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST(SimgridReader, RefusesBrokenPropertiesOfOurs) {
  const std::string ours = with(kPair, "<host", "<prop id=\"vertex 0\" value=\"kind\"/><host");
  EXPECT_NE(refusal(Format::simgrid_xml, ours).message().find("a vertex's property reads"),
            std::string::npos);
  const std::string gap = with(kPair, "<host", "<prop id=\"vertex 7\" value=\"kind=nic\"/><host");
  EXPECT_NE(refusal(Format::simgrid_xml, gap).message().find("out of order"), std::string::npos);
}

}  // namespace
}  // namespace moesim::topologies
