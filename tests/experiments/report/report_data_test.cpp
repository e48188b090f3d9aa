// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/report_data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/base/thrown_error.h"
#include "tests/experiments/report/stored_sample.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

std::string decoded(const std::string& base64) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : base64) {
    if (c == '=') break;
    bits = bits << 6U | static_cast<unsigned>(digits.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 255U);
    }
  }
  return bytes;
}

template <class Number>
std::vector<double> numbers_in(const std::string& bytes) {
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return {numbers.begin(), numbers.end()};
}

// As the page reads a column of `count` rows.
std::vector<double> unpacked(const JsonValue& column, std::size_t count) {
  if (column.kind == JsonValue::Kind::null) return std::vector<double>(count, NAN);
  if (column.kind == JsonValue::Kind::number) return std::vector<double>(count, column.number);
  if (const JsonValue* text = column.find("f8")) return numbers_in<double>(decoded(text->text));
  if (const JsonValue* text = column.find("f4")) return numbers_in<float>(decoded(text->text));
  return numbers_in<std::uint32_t>(decoded(column.find("u4")->text));
}

const JsonValue& at(const JsonValue& object, const char* key) {
  const JsonValue* value = object.find(key);
  if (value == nullptr) throw std::runtime_error(std::string("no member ") + key);
  return *value;
}

const JsonValue& figure(const JsonValue& data, const std::string& key) {
  for (const JsonValue& entry : at(data, "figures").items) {
    if (at(entry, "key").text == key) return entry;
  }
  throw std::runtime_error("no figure " + key);
}

class ReportDataTest : public StoredSample {
 protected:
  const std::string rows_ = row(0, "1.25", 1, R"(, "drop_rate": 0.1, "mfu": 0.5)") +
                            row(1, "1.25", 2, R"(, "drop_rate": 0.3, "validation_loss": null)") +
                            row(2, "null", 1, R"(, "drop_rate": 0.7, "mfu": 0.25)");
};

TEST_F(ReportDataTest, EveryFigureComesBackAsTheRowsHaveIt) {
  const StoredRun run = read_run(write_run("run", rows_));
  const JsonValue data = report_data(run, nullptr);
  ASSERT_EQ(at(data, "figures").items.size(), run.columns.size());
  for (const std::string& column : run.columns) {
    const std::vector<double> numbers = unpacked(at(figure(data, column), "numbers"), 3);
    ASSERT_EQ(numbers.size(), 3u) << column;
    for (std::size_t i = 0; i < 3; ++i) {
      const double own = run.figure(run.points[i], column);
      EXPECT_TRUE(numbers[i] == own || (std::isnan(numbers[i]) && std::isnan(own))) << column << i;
    }
  }
  EXPECT_NE(at(figure(data, "drop_rate"), "docs").text.find("dropped"), std::string::npos);
}

TEST_F(ReportDataTest, AxesHaveTheirValuesOnceAndEachPointItsPlace) {
  const JsonValue data = report_data(read_run(write_run("run", rows_)), nullptr);
  const JsonValue& axis = at(data, "axes").items.at(0);
  EXPECT_EQ(at(axis, "key").text, "router.capacity_factor");
  EXPECT_EQ(base::to_text(at(axis, "values"), base::JsonStyle::compact), "[1.25,null]");
  EXPECT_EQ(unpacked(at(axis, "rows"), 3), (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(at(at(data, "points"), "ids").text, "id0 id1 id2");
  EXPECT_EQ(unpacked(at(at(data, "points"), "index"), 3), (std::vector<double>{0, 1, 2}));
}

TEST_F(ReportDataTest, TheManifestsFactsAndObjectivesAreThere) {
  const JsonValue data = report_data(
      read_run(write_run("run", rows_, R"(, "objectives": {"mfu": "max", "drop_rate": "min"})")),
      nullptr);
  EXPECT_EQ(at(at(data, "run"), "question").text, "which?");
  EXPECT_EQ(at(at(data, "run"), "command").text, "moesim run x.json");
  EXPECT_EQ(at(at(data, "run"), "commit").text, "abc");
  EXPECT_EQ(base::to_text(at(data, "objectives"), base::JsonStyle::compact),
            R"([{"figure":"mfu","direction":"max","best":0},)"
            R"({"figure":"drop_rate","direction":"min","best":0}])");
}

TEST_F(ReportDataTest, ABaselineIsMatchedBySweptValues) {
  const StoredRun run = read_run(write_run("run", rows_));
  // Its point 0 is swept as our point 2, its point 1 as our 0.
  const auto other = write_run("other", row(0, "null", 1, R"(, "drop_rate": 0.9)") +
                                            row(1, "1.25", 1, R"(, "drop_rate": 0.2)"));
  const Baseline baseline = read_baseline(other.string());
  const JsonValue data = report_data(run, &baseline);
  const JsonValue& object = at(data, "baseline");
  const std::vector<double> drops = unpacked(at(at(object, "figures"), "drop_rate"), 3);
  EXPECT_EQ(drops[0], 0.2);
  EXPECT_TRUE(std::isnan(drops[1]));
  EXPECT_EQ(drops[2], 0.9);
  EXPECT_FALSE(at(object, "is_one_point").boolean);
}

TEST_F(ReportDataTest, APointOfABaselineStandsBesideAll) {
  const auto other = write_run("other", rows_);
  for (const char* name : {":1", ":id1"}) {
    const Baseline baseline = read_baseline(other.string() + name);
    const JsonValue data = report_data(read_run(other), &baseline);
    const JsonValue& object = at(data, "baseline");
    EXPECT_EQ(at(at(object, "figures"), "drop_rate").number, 0.3) << name;
    EXPECT_EQ(at(object, "label").text, "router.capacity_factor=1.25, router.seed=2");
  }
}

TEST_F(ReportDataTest, ABaselineThatIsNotThereIsAnErrorWithItsName) {
  const auto other = write_run("other", rows_);
  const base::Error error = base::thrown_error([&] { read_baseline(other.string() + ":17"); });
  EXPECT_EQ(error.message(), "the run has no point of this id or number");
  EXPECT_NE(error.where().find(":17"), std::string::npos);
  EXPECT_THROW(read_baseline((folder_ / "nowhere").string()), base::Error);
}

}  // namespace
}  // namespace moesim::experiments
