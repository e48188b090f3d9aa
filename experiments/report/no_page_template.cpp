// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/report_page.h"

namespace moesim::experiments {

std::string_view page_template() { return {}; }

}  // namespace moesim::experiments
