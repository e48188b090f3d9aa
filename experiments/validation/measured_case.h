// SPDX-License-Identifier: Apache-2.0
// Published measurements of collectives, read from files: what was run, on which machine, how long
// it took and who says so (docs/file_formats.md, "Measured cases").
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"
#include "sim/collectives/all_to_all.h"

namespace moesim::experiments {

// dispatch and combine carry a MoE layer's tokens, as random routing places them. The others carry
// `message_size` in nccl-tests' meaning: the buffer of one rank, that all-gather fills and that the
// others begin with; send_recv sends it from the first rank to the second.
enum class Operation {
  dispatch,
  combine,
  all_to_all,
  all_reduce,
  all_gather,
  reduce_scatter,
  send_recv
};
base::EnumNames<Operation> names_of(Operation);

// What a published bandwidth counts, of a rank's tokens on average: one row per distinct node or
// rank that a token goes to (its own included), or per (token, expert) pair.
enum class CountedRows { node_copies, rank_copies, pairs };
base::EnumNames<CountedRows> names_of(CountedRows);

// a: complete enough to reproduce. b: a setting is inferred. c: shown, never judged by.
enum class Trust { a, b, c };
base::EnumNames<Trust> names_of(Trust);

struct MeasuredCase {
  std::string id;
  Operation operation = Operation::dispatch;
  std::string algorithm;  // of the operation's; "": hierarchical_dedup, direct or ring
  int num_nodes = 1;
  std::optional<int> ranks;  // so many take part; null: all of the cluster
  int rank_stride = 1;       // every so many ranks one that takes part, from rank 0 on

  int tokens_per_rank = 0;
  int hidden_size = 0;
  int num_experts = 0;
  int num_experts_per_tok = 0;
  std::optional<int> nodes_per_token;  // a token's experts lie on at most so many nodes
  sim::WireType dtype = sim::WireType::bf16;
  base::Bytes row_header;  // sent along with each row

  base::Bytes message_size;
  std::optional<int> comm_sms;  // null: the protocol's

  std::optional<base::Seconds> time;  // exactly one of these two
  std::optional<base::BytesPerSecond> bandwidth;
  CountedRows counted_rows = CountedRows::node_copies;
  Trust trust = Trust::a;
  bool held_out = false;  // calibration does not see it
  std::string source;
  std::string notes;
};

void describe(base::FieldTable& table, MeasuredCase& measured);

bool is_moe(Operation operation);

// Cases of one machine and library.
struct Series {
  std::string name;  // the file's stem
  std::string title;
  std::string source;
  std::string notes;
  base::JsonValue cluster;                // a cluster section; a case's num_nodes replaces its own
  base::JsonValue protocol;               // a protocol section: {"preset": name} or keys
  std::optional<double> promised_median;  // of the relative error over trust-A cases; null: none
  std::vector<std::string> fitted;        // the protocol's keys that calibration may choose
  base::JsonValue defaults;               // keys that all cases share
  std::string table;                      // a CSV file beside this one with further cases
  // A case of the table is held out where its value of some key is among these.
  std::map<std::string, std::vector<base::JsonValue>> held_out_where;
  std::vector<base::JsonValue> case_sections;
  std::vector<MeasuredCase> cases;  // what the three above say
};

void describe(base::FieldTable& table, Series& series);

// Throws base::Error, with its place in the file, on anything that is not a whole case.
Series read_series(const std::filesystem::path& file);

// The files that ship, by name: experiments/validation/data.
std::vector<std::filesystem::path> shipped_series();

}  // namespace moesim::experiments
