// SPDX-License-Identifier: Apache-2.0
#include "experiments/backend_record.h"

#include <gtest/gtest.h>

namespace moesim::experiments {
namespace {

using Texts = std::vector<std::string>;

std::string text_of(const BackendRecord& record) {
  base::JsonValue json = base::json_object();
  add_members(json, record);
  return base::to_text(json, base::JsonStyle::compact);
}

BackendRecord read(const std::string& text) {
  return backend_record_in(base::parse_json(text, "manifest"));
}

TEST(BackendRecord, NamesTheLastBackendAndAllWhereThereAreSeveral) {
  EXPECT_EQ(text_of({}), R"({"backend":"cpu","arithmetic":"processor"})");
  EXPECT_EQ(text_of({"processor", {"cuda", "cpu"}}),
            R"({"backend":"cpu","arithmetic":"processor","backends":["cuda","cpu"]})");
}

TEST(BackendRecord, ReadsBackWhatWasWritten) {
  for (const BackendRecord& record :
       {BackendRecord{"cuda:bf16", {"cuda:bf16"}}, BackendRecord{"processor", {"a", "b"}}}) {
    const BackendRecord back = read(text_of(record));
    EXPECT_EQ(back.arithmetic, record.arithmetic);
    EXPECT_EQ(back.backends, record.backends);
  }
}

TEST(BackendRecord, WhatSaysNothingIsTheProcessors) {
  EXPECT_EQ(read("{}").arithmetic, "processor");
  EXPECT_EQ(read("{}").backends, Texts{"cpu"});
  EXPECT_EQ(read(R"({"backend": "cpu of old"})").backends, Texts{"cpu of old"});
  EXPECT_EQ(read(R"({"backend": "cpu", "backends": []})").backends, Texts{"cpu"});
}

TEST(BackendRecord, EachBackendIsThereOnceAndTheLastAtTheEnd) {
  BackendRecord record;
  add_backends(record, {"processor", {"cuda"}});
  EXPECT_EQ(record.backends, (Texts{"cpu", "cuda"}));
  add_backends(record, {"processor", {"cpu"}});
  EXPECT_EQ(record.backends, (Texts{"cuda", "cpu"}));
}

TEST(BackendRecord, SaysWhichFlagGivesAnArithmetic) {
  EXPECT_EQ(backend_flag("processor"), "--backend cpu or cuda");
  EXPECT_EQ(backend_flag("cuda:tf32"), "--backend cuda:tf32");
  EXPECT_EQ(arithmetic_in_words("processor"), "the processor's arithmetic");
  EXPECT_EQ(arithmetic_in_words("cuda:tf32"), "the arithmetic of cuda:tf32");
}

}  // namespace
}  // namespace moesim::experiments
