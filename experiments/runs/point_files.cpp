// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/point_files.h"

#include <fstream>

#include "base/error.h"
#include "sim/report/writers/trace_writer.h"
#include "sim/routing/trace_routing.h"

namespace moesim::experiments {

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    throw base::Error(path.string(), "is there already and is no regular file",
                      "name another file");
  }
  std::filesystem::path unfinished = path;
  unfinished += ".partial";
  std::ofstream file(unfinished, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code failure;
  if (file) std::filesystem::rename(unfinished, path, failure);
  if (!file || failure) {
    std::filesystem::remove(unfinished, failure);
    throw base::Error(path.string(), "cannot be written",
                      "check the folder's permissions and the disk's space");
  }
}

void write_point_files(const std::filesystem::path& folder, const std::string& title,
                       const ReadPoint& point, const sim::Run& run) {
  const sim::TraceInput input{run.cluster, run.graph, run.timeline, title,
                              run.result.routing_source};
  for (const sim::TraceFormat format : point.experiment.outputs.traces) {
    write_file(folder / sim::trace_file_name(format), sim::render_trace(format, input));
  }
  if (point.experiment.outputs.routing_trace) {
    write_file(folder / "routing.trace", sim::render_routing_trace(*run.source, run.demand));
  }
  write_file(folder / "config.resolved.json", point.resolved_config);
  write_file(folder / "result.json", base::write_json(run.result));
}

}  // namespace moesim::experiments
