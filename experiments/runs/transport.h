// SPDX-License-Identifier: Apache-2.0
// Messages between the processes of one parallel program, of which MPI has started several.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace moesim::experiments {

struct Message {
  int from = 0;
  std::string text;
};

class Transport {
 public:
  virtual ~Transport() = default;  // waits for the other processes to end theirs

  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Messages between two processes arrive in the order in which they were sent.
  virtual void send(int to, const std::string& text) = 0;
  // What has arrived, none when nothing has.
  virtual std::optional<Message> receive() = 0;
};

// How many processes the environment says that an MPI launcher has started, 1 without one: Open
// MPI's OMPI_COMM_WORLD_SIZE, or PMI_SIZE of MPICH and its kin.
int launched_processes();

// Joins the others; null where launched_processes() is 1. Throws base::Error where this build has
// no MPI.
std::unique_ptr<Transport> join_launched_processes();

// What the library libmoesim_mpi.so exports: a Transport that the caller deletes.
inline constexpr const char* kOpenTransport = "moesim_open_transport";

}  // namespace moesim::experiments
