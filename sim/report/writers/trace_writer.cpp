// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/trace_writer.h"

#include <array>

#include "base/check.h"
#include "sim/report/writers/chrome_trace.h"
#include "sim/report/writers/gzip.h"
#include "sim/report/writers/perfetto_trace.h"
#include "sim/report/writers/trace_picture.h"

namespace moesim::sim {
namespace {

struct Format {
  TraceFormat format;
  const char* name;
  const char* file_name;
  std::string (*render)(const TracePicture& picture);
};

constexpr std::array kFormats = {
    Format{TraceFormat::perfetto, "perfetto", "trace.pftrace.gz", render_perfetto_trace},
    Format{TraceFormat::chrome, "chrome", "trace.json.gz", render_chrome_trace},
};

const Format& find(TraceFormat wanted) {
  for (const Format& row : kFormats) {
    if (row.format == wanted) return row;
  }
  CHECK(false, "every trace format has its row");
  return kFormats.front();
}

}  // namespace

base::EnumNames<TraceFormat> names_of(TraceFormat) {
  base::EnumNames<TraceFormat> names;
  for (const Format& row : kFormats) names.emplace_back(row.format, row.name);
  return names;
}

std::string trace_file_name(TraceFormat format) { return find(format).file_name; }

std::string render_trace(TraceFormat format, const TraceInput& input) {
  return gzip(find(format).render(draw_trace(input)));
}

}  // namespace moesim::sim
