// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/file.h"

#include "base/error.h"
#include "topologies/config_checks.h"
#include "topologies/import_export/import_export.h"

namespace moesim::topologies {

Cluster build_from_file(const ClusterConfig& config) {
  require(!config.file.empty(), "/cluster/file", "topology is file, but no file is named",
          "name a file that ends in .json, .xml, .graphml or .dot");
  try {
    return read_cluster(config.file);
  } catch (const base::Error& error) {
    // About the file as a whole, so about the key that names it.
    if (error.where() != config.file) throw;
    throw base::Error("/cluster/file", config.file + ": " + error.message(), error.hint());
  }
}

}  // namespace moesim::topologies
