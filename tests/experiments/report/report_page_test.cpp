// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/report_page.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/experiments/report/stored_sample.h"

namespace moesim::experiments {
namespace {

class ReportPageTest : public StoredSample {};

TEST(ReportPage, DataStandInThePlaceOfTheMark) {
  EXPECT_EQ(report_page("<a>MOESIM_REPORT_DATA</a>", base::json_of(1)), "<a>1</a>");
}

TEST(ReportPage, NoTextOfTheDataEndsItsElement) {
  const std::string html =
      report_page("MOESIM_REPORT_DATA", base::json_of("</script><script>alert(1)</script>"));
  EXPECT_EQ(html.find('<'), std::string::npos);
  EXPECT_EQ(base::parse_json(html, "page").text, "</script><script>alert(1)</script>");
}

TEST(ReportPage, ATemplateWithoutOrWithTwoMarksIsABug) {
  EXPECT_THROW(report_page("", base::json_of(1)), base::InvariantViolation);
  EXPECT_THROW(report_page("MOESIM_REPORT_DATAMOESIM_REPORT_DATA", base::json_of(1)),
               base::InvariantViolation);
}

TEST(ReportPage, TheTemplateThatIsBuiltInAllowsNoNetworkAndNamesNone) {
  const std::string page(page_template());
  if (page.empty()) GTEST_SKIP() << "built without npm";
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("connect-src"), std::string::npos);
  EXPECT_EQ(page.find("src=\""), std::string::npos);
  EXPECT_EQ(page.find("@import"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
}

TEST_F(ReportPageTest, WithoutAnOutputThePageLiesInTheRunsFolder) {
  if (page_template().empty()) GTEST_SKIP() << "built without npm";
  const auto run = write_run("run", row(0, "1", 1, R"(, "drop_rate": 0.5)"));
  EXPECT_EQ(write_report(run, "", ""), run / "report.html");
  EXPECT_TRUE(std::filesystem::exists(run / "report.html"));
  EXPECT_EQ(write_report(run, "", folder_ / "own.html"), folder_ / "own.html");
}

}  // namespace
}  // namespace moesim::experiments
