// SPDX-License-Identifier: Apache-2.0
#include "sim/report/result.h"

namespace moesim::sim {

void describe(base::FieldTable& table, ScenarioFigures& scenario) {
  table.title("scenario", "Which point of which experiment this is.");
  table.field("name", scenario.name, "The experiment's name.");
  table.field("point", scenario.point, "Id of the point: a hash of its resolved configuration.");
  table.field("index", scenario.index, "The point's number in its sweep, from 0.");
  table.field("swept", scenario.swept, "The swept keys and their values at this point.");
  table.field("fidelity", scenario.fidelity, "How the network was simulated.");
  table.field("num_ranks", scenario.num_ranks, "Accelerators in the cluster.");
  table.field("expert_model_parallel_size", scenario.expert_model_parallel_size,
              "Ranks of an expert-parallel group.");
  table.field("tokens", scenario.tokens, "Tokens that the step processes, all ranks.");
}

void describe(base::FieldTable& table, LoadFigures& load) {
  model::describe(table, load.mean);
  table.title("load", "Load statistics: means over the MoE layers, and each layer's.");
  table.field("per_layer", load.per_layer, "The same figures of each MoE layer, in order.");
}

void describe(base::FieldTable& table, AllToAllFigures& figures) {
  table.title("all_to_all", "The step's dispatches and combines, forward and backward.");
  table.field("busbw_gbps", figures.busbw_gbps,
              "nccl-tests' bus bandwidth in GB/s: S / t x (n-1)/n, S and t summed over the step's "
              "all-to-alls.");
  table.field("mean_send_bytes", figures.mean_send_bytes,
              "S: payload of a rank in one all-to-all, on average: a row for each kept pair, those "
              "for itself included, whatever the algorithm saves or forwards.");
  table.field("max_send_bytes", figures.max_send_bytes,
              "Most bytes that any rank really sends to others in one all-to-all.");
  table.field("max_receive_bytes", figures.max_receive_bytes,
              "Most bytes that any rank really receives from others in one all-to-all.");
  table.field("inter_node_bytes", figures.inter_node_bytes,
              "Bytes of the whole step whose sender and receiver sit in different nodes.");
}

void describe(base::FieldTable& table, LinkFigures& link) {
  table.title("link", "One direction of one link.");
  table.field("name", link.name, "From->to.");
  table.field("bytes", link.bytes, "Bytes carried in the step.");
  table.field("busy_fraction", link.busy_fraction, "Bytes / (bandwidth x step time).");
  table.field("rank", link.rank, "The rank whose accelerator or NIC stands at one end, if any.");
}

void describe(base::FieldTable& table, TierFigures& tier) {
  table.title("link_tier", "Links of one kind and height in the cluster.");
  table.field(
      "tier", tier.tier,
      "scale_up, pcie, nic, or fabric with the tiers it joins: fabric 1-2 is leaf to spine.");
  table.field("bytes", tier.bytes, "Bytes carried in the step by all of them.");
  table.field("busy_fraction", tier.busy_fraction, "Of the busiest: bytes / (bandwidth x step).");
  table.field("bound_time_s", tier.bound_time_s,
              "Time of the collectives whose busiest link is one of these, summed; of groups that "
              "exchange at the same time it may be above the step's.");
}

double bound_time_of(std::span<const TierFigures> tiers) {
  double sum = 0;
  for (const TierFigures& tier : tiers) sum += tier.bound_time_s;
  return sum;
}

void describe(base::FieldTable& table, JobFigures& job) {
  table.title("job_result", "A job beside others on the cluster.");
  table.field("name", job.name, "The job.");
  table.field("start_s", job.start_s, "When it started.");
  table.field("num_ranks", job.num_ranks, "Accelerators it runs on.");
  table.field("step_time_s", job.step_time_s, "Simulated time of its step, from its start.");
  table.field("analytic_floor_s", job.analytic_floor_s,
              "The same with nobody else on the network.");
  table.field("tokens_per_s", job.tokens_per_s, "Tokens / step time.");
  table.field("exposed_communication_s", job.exposed_communication_s,
              "Step time that no computation covers, mean over its ranks.");
  table.field("drop_rate", job.drop_rate, "(token, expert) pairs dropped / routed.");
}

void describe(base::FieldTable& table, RepetitionFigures& repetition) {
  table.title("repetition", "What equal collectives saved.");
  table.field("collectives", repetition.collectives, "Collectives of the run.");
  table.field("worked_out", repetition.worked_out,
              "Those of them that no earlier one equalled in content; 0 at fidelity flow, which "
              "moves every message.");
}

void describe(base::FieldTable& table, MemoryFigures& memory) {
  table.title("memory", "Bytes on the rank that needs most (docs/models.md, \"Memory\").");
  table.field("weights", memory.weights, "bf16 weights.");
  table.field("gradients", memory.gradients, "fp32 gradients.");
  table.field("optimizer", memory.optimizer, "Adam's fp32 master weights and two moments.");
  table.field("activations", memory.activations, "Kept for the backward pass of one micro-batch.");
  table.field("peak", memory.peak, "Sum of the above.");
}

void describe(base::FieldTable& table, Result& result) {
  table.title("result", "The figures of one simulated step, in SI units.");
  table.field("status", result.status, "ok, failed or skipped.");
  table.field("reason", result.reason, "Why it failed or was skipped.");
  table.field("scenario", result.scenario, "Which point of which experiment.");
  table.field("routing_source", result.routing_source, "Where the routing came from.");
  table.field("cost_source", result.cost_source,
              "Where the time of computation came from: roofline, or which cost tables.");
  table.field("step_time_s", result.step_time_s, "Simulated time of one training step.");
  table.field("tokens_per_s", result.tokens_per_s, "Tokens / step time.");
  table.field("tokens_per_s_per_gpu", result.tokens_per_s_per_gpu, "The same per accelerator.");
  table.field("tflops_per_gpu", result.tflops_per_gpu,
              "Model FLOPs (forward and backward, activated parameters, no recomputation) / "
              "(step time x accelerators), in 1e12.");
  table.field("mfu", result.mfu, "tflops_per_gpu / peak_tflops_used.");
  table.field("peak_tflops_used", result.peak_tflops_used, "Dense bf16 peak of the data sheet.");
  table.field("analytic_floor_s", result.analytic_floor_s,
              "The same step with every collective alone on the network: no answer is below it.");
  table.field("phase_time_s", result.phase_time_s,
              "Seconds of the critical path by phase; they sum to step_time_s.");
  table.field("mean_rank_time_s", result.mean_rank_time_s,
              "Seconds of a mean rank by phase; idle is waiting for others. Sums to step_time_s.");
  table.field("exposed_communication_s", result.exposed_communication_s,
              "Step time that no computation covers, mean over ranks.");
  table.field("overlap_fraction", result.overlap_fraction,
              "Communication that computation on the same rank covers / all communication.");
  table.field("drop_rate", result.drop_rate, "(token, expert) pairs dropped / routed.");
  table.field("padding_share", result.padding_share,
              "Rows that the expert GEMMs' tiles cover beyond the real ones / all they cover.");
  table.field("expert_load", result.expert_load, "Kept pairs per expert.");
  table.field("expert_demand", result.expert_demand, "Pairs per expert before drops.");
  table.field("rank_load", result.rank_load, "Kept pairs per rank.");
  table.field("all_to_all", result.all_to_all, "Dispatch and combine traffic.");
  table.field("hottest_links", result.hottest_links, "The links with the highest busy_fraction.");
  table.field("link_tiers", result.link_tiers, "The links by kind and height.");
  table.field("deciding_tier", result.deciding_tier,
              "The tier with the most bound_time_s: what the collectives waited for.");
  table.field("jobs", result.jobs,
              "Each job, where the experiment lists several; all other figures are the first's.");
  table.field("faults", result.faults, "Faults given and drawn, one for each target.");
  table.field("repetition", result.repetition, "What equal collectives saved.");
  table.field("memory_bytes_per_rank", result.memory_bytes_per_rank, "Memory of the fullest rank.");
  table.field("validation_loss", result.validation_loss,
              "Nats per byte of the proxy on held-out text, where numerics ran.");
  table.field("warnings", result.warnings, "What to know before trusting the figures.");
}

}  // namespace moesim::sim
