// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/report_page.h"

#include <optional>

#include "base/check.h"
#include "base/error.h"
#include "experiments/report/report_data.h"
#include "experiments/runs/point_files.h"

namespace moesim::experiments {
namespace {

constexpr std::string_view kMark = "MOESIM_REPORT_DATA";

}  // namespace

void require_page() {
  if (!page_template().empty()) return;
  throw base::Error("report", "this moesim was built without the report's page",
                    "install npm (Debian: apt-get install nodejs npm), configure with cmake again "
                    "and build");
}

std::string report_page(std::string_view page, const base::JsonValue& data) {
  const std::size_t mark = page.find(kMark);
  CHECK(mark != std::string_view::npos && page.find(kMark, mark + 1) == std::string_view::npos,
        "the template has one place for the data");
  std::string html(page.substr(0, mark));
  for (const char c : base::to_text(data, base::JsonStyle::compact)) {
    // Only strings have this character, and in them the escape means the same.
    if (c == '<') {
      html += "\\u003c";
    } else {
      html += c;
    }
  }
  html += page.substr(mark + kMark.size());
  return html;
}

std::filesystem::path write_report(const std::filesystem::path& run, const std::string& baseline,
                                   const std::filesystem::path& output) {
  require_page();
  const StoredRun stored = read_run(run);
  std::optional<Baseline> compared;
  if (!baseline.empty()) compared = read_baseline(baseline);
  const base::JsonValue data = report_data(stored, compared ? &*compared : nullptr);
  const std::filesystem::path path = output.empty() ? stored.folder / "report.html" : output;
  write_file(path, report_page(page_template(), data));
  return path;
}

}  // namespace moesim::experiments
