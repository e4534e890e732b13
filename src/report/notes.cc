#include "report/notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/table.h"

namespace planewise::report {

std::vector<std::string> simulated_notes(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const spec::ParallelSpec& p = job.parallel;
  return {
      fmt::format(
          "one training step of {}: {} stages x {} ranks, 1F1B over {} micro-batches of {} tokens",
          model.name, p.pipeline, p.data, grouped(job.batch.micro_batches),
          grouped(job.batch.tokens_per_micro_batch())),
      fmt::format("every operator of attention, MoE and dense layers, embedding, head{} by the "
                  "profile's curves",
                  model.mtp_depth > 0 ? " and MTP module" : ""),
      fmt::format(
          "dispatch and combine over EP{}, at most {} nodes a token, as flows on rails and NVLink; "
          "pipeline sends",
          p.expert, job.routing.nodes_per_token),
      "gradient reduce-scatter, gradient norm, AdamW update and parameter all-gather (ZeRO-1), not "
      "overlapped",
  };
}

std::vector<std::string> left_out_notes(const spec::ProfileSpec& profile) {
  std::vector<std::string> notes = {
      "overlap of compute with dispatch and combine: none is assumed, a rank does one or the other "
      "(the published "
      "run overlaps them with DualPipe)",
      "SMs that communication takes: pipeline sends run beside compute at no cost to it",
      "imbalance: tokens are balanced over experts, ranks do not differ in speed",
      "whether weights, optimizer states and activations fit the memory",
      "gaps between kernels, data loading, checkpoints, failures; the length of cables",
  };
  for (const spec::OperatorCurve& curve : profile.operators) {
    if (curve.beside == spec::Beside::alone && curve.sms == profile.gpu.sms) continue;
    notes.push_back(
        fmt::format("operators that the profile has only on {} SMs beside communication are used "
                    "as they are, and "
                    "count as estimates",
                    curve.sms));
    break;
  }
  return notes;
}

namespace {

std::string step_note(const spec::TrafficSpec& traffic, const spec::TrafficStep& step) {
  if (step.is_compute) {
    return fmt::format("{}: {} us", step.name, fixed(step.compute.in(microseconds(1)), 3));
  }
  const bool has_algorithm = step.collective != spec::Collective::send;
  std::string note = fmt::format(
      "{}: {}{}{}, {} {} of {} ranks{}, {} B", step.name, spec::collective_word(step.collective),
      has_algorithm ? " " : "", has_algorithm ? spec::algorithm_word(step.algorithm) : "",
      grouped(traffic.ranks / step.group), traffic.ranks == step.group ? "group" : "groups",
      grouped(step.group), step.layout == spec::GroupLayout::spread ? " spread by nodes" : "",
      fixed(step.size.in(bytes(1)), 0));
  if (step.nvlink_size > Bytes{}) {
    note += fmt::format(" a rail and {} B by NVLink", fixed(step.nvlink_size.in(bytes(1)), 0));
  }
  if (step.chunks > 1) note += fmt::format(" in {} chunks", grouped(step.chunks));
  return note;
}

}  // namespace

std::vector<std::string> simulated_notes(const spec::TrafficSpec& traffic,
                                         const spec::ProfileSpec* profile) {
  std::vector<std::string> notes;
  if (traffic.matrix) {
    return {fmt::format("{} flows of a connection matrix of {} hosts, host i on GPU i; {} triggers",
                        grouped(static_cast<std::int64_t>(traffic.matrix->flows.size())),
                        grouped(traffic.ranks),
                        grouped(static_cast<std::int64_t>(traffic.matrix->triggers.size())))};
  }
  notes.push_back(
      fmt::format("{} ranks, rank i on GPU i; {} {}, {}", grouped(traffic.ranks),
                  traffic.steps.size(), traffic.steps.size() == 1 ? "step" : "steps",
                  traffic.repeat == 1 ? "once" : grouped(traffic.repeat) + " times in a row"));
  constexpr std::size_t kMostSteps = 12;  // A list that is still read.
  for (std::size_t i = 0; i < std::min(kMostSteps, traffic.steps.size()); ++i) {
    notes.push_back(step_note(traffic, traffic.steps[i]));
  }
  if (traffic.steps.size() > kMostSteps) {
    notes.push_back(fmt::format("and {} steps more", traffic.steps.size() - kMostSteps));
  }
  if (profile != nullptr) {
    notes.push_back(fmt::format("software latency and efficiency of links by {}", profile->name));
  }
  return notes;
}

std::vector<std::string> left_out_notes(const spec::TrafficSpec& traffic,
                                        const spec::ProfileSpec* profile) {
  std::vector<std::string> notes;
  if (profile == nullptr) {
    notes.push_back(
        "software latency; packet headers and anything else that keeps payload below "
        "a link's rate (there is no profile)");
  }
  notes.push_back("losses, retransmissions, congestion control: flows share links max-min fairly");
  if (traffic.matrix) {
    notes.push_back("priorities (prio) of the connection matrix");
  } else {
    notes.push_back("adding up in reductions, and the memory that buffers take");
  }
  return notes;
}

std::string size_spread_note(double size_spread) {
  return fmt::format(
      "the size of each flow is drawn anew whenever it starts, uniform within +-{} of what it is",
      percent(size_spread));
}

std::string time_tolerance_note(double time_tolerance) {
  return fmt::format(
      "not exact: flows that end within {:g} of the time elapsed end together; an estimate of the "
      "error of a time is {:g} of it",
      time_tolerance, simulate::kTimeErrorFactor * time_tolerance);
}

std::string symmetry_note(const std::string& fabric, const simulate::Result& result) {
  const simulate::Symmetry& s = result.symmetry;
  if (result.routes_at_start) {
    return fmt::format(
        "{}: none used, routes are chosen when flows start; {} ranks, {} flows, {} "
        "links",
        fabric, grouped(s.ranks), grouped(s.flows), grouped(s.links));
  }
  if (s.rank_classes == s.ranks && s.flow_classes == s.flows) {
    return fmt::format("{}: none used; {} ranks, {} flows, {} links", fabric, grouped(s.ranks),
                       grouped(s.flows), grouped(s.links));
  }
  return fmt::format("{}: {} ranks driven by {} classes, {} flows by {}, {} links by {} (exact)",
                     fabric, grouped(s.ranks), grouped(s.rank_classes), grouped(s.flows),
                     grouped(s.flow_classes), grouped(s.links), grouped(s.link_classes));
}

std::vector<std::string> route_left_out_notes(const Report& report) {
  const auto has_faults = [](const RunReport& run) { return run.result.faults.has_value(); };
  if (std::none_of(report.runs.begin(), report.runs.end(), has_faults)) return {};
  std::vector<std::string> notes = {
      "faults of anything but the fabric, and in any step but this one; packets lost and sent "
      "again; "
      "restarts from a checkpoint",
      "the further hops of a detour: a flow keeps the latency of its first choice, and the GPUs "
      "that "
      "forward it do so for nothing"};
  const auto sprays = [](const FabricReport& f) {
    return f.fabric.topology.fabric.routing == spec::Routing::spray;
  };
  if (std::any_of(report.fabrics.begin(), report.fabrics.end(), sprays)) {
    notes.push_back(
        "under spray, what links a fault leaves useless beyond themselves: flows are spread evenly "
        "over all links of a trunk that work");
  }
  return notes;
}

std::vector<std::string> cost_left_out_notes(const Report& report) {
  const auto any = [&](const auto& holds) {
    return std::any_of(report.fabrics.begin(), report.fabrics.end(), holds);
  };
  const bool by_parts = any([](const FabricReport& f) { return f.bill && f.bill->by_parts; });
  const bool by_roles = any([](const FabricReport& f) { return !f.bill || !f.bill->by_parts; });
  std::vector<std::string> notes;
  if (by_roles) {
    notes.push_back(fmt::format(
        "{}servers, GPUs and NICs; installation, spares, maintenance, energy; management and "
        "storage networks",
        by_parts ? "where priced by roles: " : ""));
  }
  if (by_parts) {
    notes.push_back(
        fmt::format("{}servers and GPUs, building, cables of the management network; "
                    "storage and management networks unless the topology has them",
                    by_roles ? "where priced by parts: " : ""));
  }
  for (const FabricReport& fabric : report.fabrics) {
    const spec::TopologySpec& topology = fabric.fabric.topology;
    if (topology.fabric.as_printed) {
      notes.push_back(fmt::format("{}: counts as printed in a table; no graph, no cables, no paths",
                                  topology.name));
    }
    if (fabric.bill && fabric.bill->cages_short > 0) {
      notes.push_back(
          fmt::format("{}: links of several types take {} cages more than the switches "
                      "have; allow fewer types of parts ('links')",
                      topology.name, grouped(fabric.bill->cages_short)));
    }
  }
  return notes;
}

}  // namespace planewise::report
