// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/json_value.h"
#include "tests/base/thrown_error.h"

namespace moesim::base {
namespace {

namespace fs = std::filesystem;

Error parse_error(const std::string& text) {
  return thrown_error([&] { parse_json(text, "a.json"); });
}

TEST(ParseJson, KeepsValuesAndTheirOrder) {
  const std::string text =
      R"({"z":null,"a":true,"n":-1.50e2,"s":"q\"\\\u00e9","l":[1,[],{}],"o":{"k":0}})";
  const JsonValue value = parse_json(text, "a.json");
  ASSERT_EQ(value.members.size(), 6u);
  EXPECT_EQ(value.members[0].key, "z");
  EXPECT_EQ(value.find("n")->number, -150.0);
  EXPECT_EQ(value.find("n")->text, "-1.50e2");
  EXPECT_FALSE(value.find("n")->integral);
  EXPECT_EQ(value.find("s")->text, "q\"\\\xC3\xA9");
  EXPECT_EQ(value.find("l")->items.size(), 3u);
  EXPECT_TRUE(value.find("l")->items[0].integral);
  EXPECT_EQ(value.find("o")->find("k")->text, "0");
  EXPECT_EQ(value.find("absent"), nullptr);
}

// Lines and columns counted by hand, from 1, in bytes.
TEST(ParseJson, EveryValueKnowsItsPlace) {
  const std::string text =
      "// head\n"                        // 1
      "{ /* a \" { */ \"a\": [1, 22,\n"  // 2
      "    \"x\\\"y\" // , ] end\n"      // 3
      "  , {\"b\"\t:\tfalse}],\r\n"      // 4
      "\"\xC3\xA9\": null}";             // 5
  const JsonValue value = parse_json(text, "a.json");
  EXPECT_EQ(value.place.text(), "a.json:2:1");
  EXPECT_EQ(value.members[0].place.text(), "a.json:2:15");
  const JsonValue& list = value.members[0].value;
  EXPECT_EQ(list.place.text(), "a.json:2:20");
  EXPECT_EQ(list.items[0].place.text(), "a.json:2:21");
  EXPECT_EQ(list.items[1].place.text(), "a.json:2:24");
  EXPECT_EQ(list.items[2].place.text(), "a.json:3:5");
  EXPECT_EQ(list.items[2].text, "x\"y");
  EXPECT_EQ(list.items[3].place.text(), "a.json:4:5");
  EXPECT_EQ(list.items[3].members[0].place.text(), "a.json:4:6");
  EXPECT_EQ(list.items[3].members[0].value.place.text(), "a.json:4:12");
  EXPECT_EQ(value.members[1].place.text(), "a.json:5:1");
  EXPECT_EQ(value.members[1].value.place.text(), "a.json:5:7");
}

TEST(ParseJson, AByteOrderMarkIsNoColumn) {
  EXPECT_EQ(parse_json("\xEF\xBB\xBF{\"a\":1}", "a").members[0].value.place.text(), "a:1:6");
}

struct BadText {
  std::string text;
  const char* where;
  const char* said;
};

TEST(ParseJson, SyntaxErrorsNameThePlaceInPlainWords) {
  const BadText texts[] = {
      {"", "a.json:1:1", "the text is empty"},
      {" \n ", "a.json:2:2", "the text is empty"},
      {"// only a comment\n", "a.json:2:1", "the text holds comments alone"},
      {"{\"a\": 1,}", "a.json:1:9", "a comma or a colon before '}' has no value after it"},
      {"[1,\n2,\n]", "a.json:3:1", "a comma or a colon before ']' has no value after it"},
      {"{\"a\": }", "a.json:1:7", "a comma or a colon before '}'"},
      {"[1 2]", "a.json:1:4", "expected ',' or the closing bracket, found number literal"},
      {"[1 \"two\"]", "a.json:1:4", "expected ',' or the closing bracket, found string literal"},
      {"{\"a\": 1 \"b\": 2}", "a.json:1:9", "expected ',' or the closing bracket"},
      {"{\"a\" 1}", "a.json:1:6", "':' is missing"},
      {"{1: 2}", "a.json:1:2", "expected a key in double quotes"},
      {"{a: 2}", "a.json:1:2", "this is not JSON"},
      {"{'a': 2}", "a.json:1:2", "this is not JSON"},
      {"}", "a.json:1:1", "expected a value, found '}'"},
      {"[1,,2]", "a.json:1:4", "expected a value, found ','"},
      {"[1", "a.json:1:3", "the text ends before the document does"},
      {"{\"a\": 1}\n}", "a.json:2:1", "something follows the end of the document"},
      {"{\"a\": 1} 5", "a.json:1:10", "something follows the end of the document"},
      {"[1}", "a.json:1:3", "expected ',' or the closing bracket, found '}'"},
      {"[NaN]", "a.json:1:2", "this is not JSON"},
      {"[Infinity]", "a.json:1:2", "this is not JSON"},
      {"[-Infinity]", "a.json:1:3", "a number that is not complete"},
      {"[1.]", "a.json:1:4", "a number that is not complete"},
      {"[\"abc", "a.json:1:6", "the text ends within a string"},
      {"[\"ab\nc\"]", "a.json:1:5", "a control character within a string"},
      {"[\"\\x\"]", "a.json:1:4", "a backslash sequence that JSON does not know"},
      {"[\"\\ud800\"]", "a.json:1:9", "a backslash sequence that JSON does not know"},
      {"[\"\xFF\"]", "a.json:1:3", "a byte that is not UTF-8 text"},
      {"[1] /* open", "a.json:1:12", "a comment that does not end"},
      {std::string("{\"a\":\0 1}", 9), "a.json:1:1", "this is a binary file"},
      {"\x7F"
       "ELF",
       "a.json:1:1", "this is not JSON"},
      {"[1e400]", "a.json:1:2", "the number 1e400 is too large"},
      {"[-1e999]", "a.json:1:2", "the number -1e999 is too large"},
      {"[1, 1e-400]", "a.json:1:5", "the number 1e-400 is too small"},
      {"[1" + std::string(400, '0') + "]", "a.json:1:2", "is too large"},
  };
  for (const BadText& bad : texts) {
    const Error error = parse_error(bad.text);
    EXPECT_EQ(error.where(), bad.where) << bad.text << ": " << error.message();
    EXPECT_NE(error.message().find(bad.said), std::string::npos)
        << bad.text << ": " << error.message();
    EXPECT_EQ(std::string(error.what()).find("json.exception"), std::string::npos);
    EXPECT_LT(std::string(error.what()).size(), 300u);
  }
}

TEST(ParseJson, DuplicateKeysNameBothPlaces) {
  const Error error = parse_error("{\"a\": 1,\n \"b\": {\"a\": 2},\n \"a\": 3}");
  EXPECT_EQ(error.where(), "a.json:3:2");
  EXPECT_EQ(error.message(), "the key \"a\" is given twice");
  EXPECT_EQ(error.hint(), "the first is in line 1; keep one");
}

TEST(ParseJson, TinyButRepresentableNumbersPass) {
  EXPECT_EQ(parse_json("[5e-324, 0.0, -0e9]", "a").items[0].number, 5e-324);
}

TEST(ParseJson, NestingHasALimit) {
  EXPECT_NO_THROW(parse_json(std::string(64, '[') + std::string(64, ']'), "a.json"));
  const Error error = parse_error(std::string(65, '[') + std::string(65, ']'));
  EXPECT_EQ(error.where(), "a.json:1:65");
  EXPECT_EQ(error.message(), "nested deeper than 64 levels");
  EXPECT_EQ(parse_error(std::string(100000, '[')).where(), "a.json:1:65");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_EQ(parse_error(objects).message(), "nested deeper than 64 levels");
}

// A hundred thousand keys in one object take no quadratic time in the check for duplicates.
TEST(ParseJson, ManyKeysAreFine) {
  std::string text = "{\"k\":0";
  for (int i = 0; i < 100000; ++i) text += ",\"k" + std::to_string(i) + "\":1";
  EXPECT_EQ(parse_json(text + "}", "a").members.size(), 100001u);
}

// Every prefix and every changed byte of a document either parses or is an Error: no crash.
TEST(ParseJson, DamagedTextIsAnErrorAndNothingWorse) {
  const std::string whole =
      "{\"a\": [1, -2.5e3, \"s\\n\\u00e9\", null], /* c */ \"b\": {\"c\": true}} // end\n";
  int refused = 0;
  const auto try_text = [&](const std::string& text) {
    try {
      parse_json(text, "a.json");
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try_text(whole.substr(0, length));
    for (const char byte : std::string("\0\"\\/*[]{},:x9-\xC3\n", 16)) {
      std::string changed = whole;
      changed[length] = byte;
      try_text(changed);
    }
  }
  EXPECT_GT(refused, 500);
}

class JsonFile : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / ("moesim_json_" + std::string(test->name()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  Error read_error(const fs::path& path) {
    return thrown_error([&] { read_json_file(path); });
  }

  fs::path folder_;
};

TEST_F(JsonFile, IsReadWithItsPathAsOrigin) {
  const fs::path path = folder_ / "a.json";
  std::ofstream(path) << "{\n  \"a\": 1 }";
  EXPECT_EQ(read_json_file(path).members[0].place.text(), path.string() + ":2:3");
}

TEST_F(JsonFile, MissingFilesFoldersAndPipesAreErrors) {
  EXPECT_EQ(read_error(folder_ / "absent.json").message(), "there is no such file");
  EXPECT_EQ(read_error("").message(), "there is no such file");
  EXPECT_EQ(read_error(folder_).message(), "this is a folder, not a file");
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_error(pipe).message(), "not a regular file");
  EXPECT_EQ(read_error("/dev/zero").message(), "not a regular file");
  std::ofstream(folder_ / "file") << "1";
  EXPECT_FALSE(read_error(folder_ / "file" / "inside.json").message().empty());
}

TEST_F(JsonFile, HugeFilesAreNotRead) {
  const fs::path path = folder_ / "huge.json";
  std::ofstream(path) << "{}";
  fs::resize_file(path, (16u << 20) + 1);
  EXPECT_EQ(read_error(path).message(),
            "the file has 16777217 bytes; 16 MiB (16777216 bytes) is the largest read");
}

}  // namespace
}  // namespace moesim::base
