// SPDX-License-Identifier: Apache-2.0
// A run as one HTML file that opens from disk and needs nothing from a network.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/json_value.h"

namespace moesim::experiments {

// The page without its data, made of page/ when moesim was built; empty where npm was missing then.
std::string_view page_template();

// Throws base::Error, which says what to install, where there is no template.
void require_page();

// The template with the data in the place of its one mark. No text of the data can end the element
// that it stands in.
std::string report_page(std::string_view page, const base::JsonValue& data);

// Writes the page of the run's folder; `baseline` is RUN or RUN:POINT, or empty. Where `output` is
// empty the page is report.html in the run's folder. Returns the file's path. Throws base::Error.
std::filesystem::path write_report(const std::filesystem::path& run, const std::string& baseline,
                                   const std::filesystem::path& output);

}  // namespace moesim::experiments
