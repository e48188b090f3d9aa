// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/trace_writer.h"

#include <gtest/gtest.h>

#include "sim/report/writers/chrome_trace.h"
#include "sim/report/writers/perfetto_trace.h"
#include "tests/sim/report/writers/example_step.h"
#include "tests/sim/report/writers/gunzip.h"

namespace moesim::sim {
namespace {

using testing::ExampleStep;

TEST(TraceWriter, FileNamesAreThoseTheViewersKnow) {
  EXPECT_EQ(trace_file_name(TraceFormat::perfetto), "trace.pftrace.gz");
  EXPECT_EQ(trace_file_name(TraceFormat::chrome), "trace.json.gz");
}

TEST(TraceWriter, FormatsHaveTheNamesUsersWrite) {
  const base::EnumNames<TraceFormat> expected = {{TraceFormat::perfetto, "perfetto"},
                                                 {TraceFormat::chrome, "chrome"}};
  EXPECT_EQ(names_of(TraceFormat{}), expected);
}

TEST(TraceWriter, FileIsTheCompressedTrace) {
  const ExampleStep example;
  const TracePicture picture = draw_trace(example.input());
  EXPECT_EQ(testing::gunzip(render_trace(TraceFormat::chrome, example.input())),
            render_chrome_trace(picture));
  EXPECT_EQ(testing::gunzip(render_trace(TraceFormat::perfetto, example.input())),
            render_perfetto_trace(picture));
}

TEST(TraceWriter, SameStepGivesTheSameBytes) {
  const ExampleStep once;
  const ExampleStep again;
  for (const auto& [format, name] : names_of(TraceFormat{})) {
    EXPECT_EQ(render_trace(format, once.input()), render_trace(format, again.input())) << name;
  }
}

}  // namespace
}  // namespace moesim::sim
