// SPDX-License-Identifier: Apache-2.0
// Transport over MPI, in a library of its own: the program starts without MPI.
#include <mpi.h>

#include "experiments/runs/transport.h"

namespace moesim::experiments {
namespace {

class MpiTransport final : public Transport {
 public:
  MpiTransport() {
    int is_initialised = 0;
    MPI_Initialized(&is_initialised);
    if (is_initialised == 0) MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~MpiTransport() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void send(int to, const std::string& text) override {
    MPI_Send(text.data(), static_cast<int>(text.size()), MPI_CHAR, to, 0, MPI_COMM_WORLD);
  }
  std::optional<Message> receive() override {
    int is_there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &is_there, &status);
    if (is_there == 0) return std::nullopt;
    int size = 0;
    MPI_Get_count(&status, MPI_CHAR, &size);
    Message message{status.MPI_SOURCE, std::string(static_cast<std::size_t>(size), '\0')};
    MPI_Recv(message.text.data(), size, MPI_CHAR, message.from, 0, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    return message;
  }

 private:
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace
}  // namespace moesim::experiments

extern "C" moesim::experiments::Transport* moesim_open_transport() {
  return new moesim::experiments::MpiTransport;
}
