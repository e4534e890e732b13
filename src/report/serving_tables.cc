#include "report/serving_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "report/add_row.h"

namespace planewise::report {
namespace {

std::string milliseconds_text(Seconds time) { return fixed(time.in(milliseconds(1)), 2); }
std::string microseconds_text(Seconds time) { return fixed(time.in(microseconds(1)), 1); }
std::string gigabytes_text(Bytes size) { return fixed(size.in(bytes(1e9)), 2); }
std::string usd_text(const std::optional<Usd>& price) {
  return price ? fixed(price->in(usd(1)), 3) : std::string("-");
}
std::string rate_text(double rate) { return fixed(rate, rate < 100 ? 1 : 0); }

/// `network bandwidth`.
std::string resource_text(workload::Resource resource) {
  std::string word = kResourceWords[static_cast<std::size_t>(resource)];
  std::replace(word.begin(), word.end(), '_', ' ');
  return word;
}

std::string bound_text(const Bounds& bounds) {
  return fmt::format("{} ({})", resource_text(bounds.by),
                     percent(bounds.saved[static_cast<std::size_t>(bounds.by)], 0));
}

/// Rows of what decode gives; a run without it has dashes.
class DecodeRows {
 public:
  DecodeRows(Table& table, const std::vector<ServingReport>& runs) : table_(table), runs_(runs) {}

  void add() {
    table_.rows.push_back({"decode, at the operating point"});
    row("  GPUs", [](const ServingReport& r) { return grouped(r.decode_gpus); });
    row("  sequences a replica",
        [](const ServingReport& r) { return grouped(r.best().sequences); });
    add_latency();
    row("  tokens a second and user",
        [](const ServingReport& r) { return fixed(r.best().tokens_per_s_per_user, 1); });
    row("  tokens a second and GPU",
        [](const ServingReport& r) { return rate_text(r.best().tokens_per_s_per_gpu); });
    row("  tokens a second and node",
        [](const ServingReport& r) { return rate_text(r.best().tokens_per_s_per_node); });
    row("  bound by (saved with twice of it)",
        [](const ServingReport& r) { return bound_text(r.best().bounds); });
    row("  rests on estimates",
        [](const ServingReport& r) { return percent(r.best().estimated_share); });
    if (any([](const ServingReport& r) { return r.tokens_per_s_per_gpu_shared.has_value(); })) {
      row("  tokens a second and GPU, prefill on it too", [](const ServingReport& r) {
        return r.tokens_per_s_per_gpu_shared ? rate_text(*r.tokens_per_s_per_gpu_shared)
                                             : std::string("-");
      });
    }
  }

 private:
  using Cell = std::function<std::string(const ServingReport&)>;

  bool any(bool (*holds)(const ServingReport&)) const {
    return std::any_of(runs_.begin(), runs_.end(), holds);
  }
  void row(const std::string& label, const Cell& cell) {
    add_row(table_, label, runs_, [&cell](const ServingReport& run) {
      return run.has_decode() ? cell(run) : std::string("-");
    });
  }

  void add_latency() {
    row("  TPOT, ms", [](const ServingReport& r) { return milliseconds_text(r.best().tpot); });
    if (any([](const ServingReport& r) { return r.tpot_limit.has_value(); })) {
      row("    limit, ms", [](const ServingReport& r) {
        if (!r.tpot_limit) return std::string("-");
        return milliseconds_text(*r.tpot_limit) + (r.meets_limit ? "" : " NOT MET");
      });
    }
    if (any([](const ServingReport& r) {
          return r.has_decode() && r.best().draft_gain().has_value();
        })) {
      row("    tokens an iteration",
          [](const ServingReport& r) { return fixed(r.best().tokens_per_iteration, 3); });
      row("    MTP module, ms", [](const ServingReport& r) {
        return r.best().drafting ? milliseconds_text(*r.best().drafting) : std::string("-");
      });
      row("    gain by MTP", [](const ServingReport& r) {
        const auto gain = r.best().draft_gain();
        return gain ? fixed(*gain, 3) + "x" : std::string("-");
      });
    }
    if (any([](const ServingReport& r) {
          return r.has_decode() && r.best().exchange_a_layer > Seconds{};
        })) {
      row("    dispatch and combine, us",
          [](const ServingReport& r) { return microseconds_text(r.best().exchange_a_layer); });
    }
  }

  Table& table_;
  const std::vector<ServingReport>& runs_;
};

void add_prefill_rows(Table& table, const std::vector<ServingReport>& runs) {
  const auto row = [&](const std::string& label, const auto& cell) {
    add_row(table, label, runs, [&cell](const ServingReport& run) {
      return run.prefill ? cell(run) : std::string("-");
    });
  };
  table.rows.push_back({"prefill"});
  row("  GPUs", [](const ServingReport& r) { return grouped(r.prefill_gpus); });
  row("  TTFT, ms", [](const ServingReport& r) { return milliseconds_text(*r.ttft); });
  row("    iteration, ms",
      [](const ServingReport& r) { return milliseconds_text(r.prefill->iteration); });
  row("    cache to decode, ms", [](const ServingReport& r) {
    return r.transfer ? milliseconds_text(r.transfer->time) : std::string("-");
  });
  row("  prompt tokens a second and GPU",
      [](const ServingReport& r) { return rate_text(r.prefill->tokens_per_s_per_gpu); });
  row("  prompt tokens a second and node",
      [](const ServingReport& r) { return rate_text(r.prefill->tokens_per_s_per_node); });
  row("  bound by (saved with twice of it)",
      [](const ServingReport& r) { return bound_text(r.prefill->bounds); });
  row("  rests on estimates",
      [](const ServingReport& r) { return percent(r.prefill->estimated_share); });
  row("  prefill GPUs a decode GPU", [](const ServingReport& r) {
    return r.prefill_per_decode_gpu ? fixed(*r.prefill_per_decode_gpu, 3) : std::string("-");
  });
}

void add_cost_rows(Table& table, const std::vector<ServingReport>& runs) {
  table.rows.push_back({"USD a million tokens"});
  const auto row = [&](const std::string& label, const auto& cell) {
    add_row(table, label, runs, cell);
  };
  row("  output, decode alone", [](const ServingReport& r) {
    return r.has_decode() ? usd_text(r.best().usd_per_million_tokens) : std::string("-");
  });
  row("  prompts", [](const ServingReport& r) {
    return r.prefill ? usd_text(r.prefill->usd_per_million_tokens) : std::string("-");
  });
  row("  output, prompts with it", [](const ServingReport& r) {
    return r.has_decode() && r.prefill ? usd_text(r.usd_per_million_tokens) : std::string("-");
  });
}

Table curve_table(const ServingReport& run) {
  Table table{.title = fmt::format("Decode on {}: throughput against latency", run.fabric),
              .columns = {"sequences a replica", "TPOT, ms", "tokens/s a user", "a GPU", "a node",
                          "compute, ms", "exposed, ms", "bound by", "USD a M"}};
  for (std::size_t i = 0; i < run.points.size(); ++i) {
    const DecodePoint& point = run.points[i];
    table.rows.push_back({grouped(point.sequences) + (i == run.operating ? " *" : ""),
                          milliseconds_text(point.tpot), fixed(point.tokens_per_s_per_user, 1),
                          rate_text(point.tokens_per_s_per_gpu),
                          rate_text(point.tokens_per_s_per_node), milliseconds_text(point.compute),
                          milliseconds_text(point.exposed), resource_text(point.bounds.by),
                          usd_text(point.usd_per_million_tokens)});
  }
  table.title += ", * the operating point";
  return table;
}

/// What an iteration would save with twice of each resource.
Table bounds_table(const ServingReport& run) {
  Table table{
      .title = fmt::format("On {}: an iteration is shorter by so much with twice the", run.fabric),
      .columns = {"iteration"}};
  for (int i = 0; i < workload::kResourceCount; ++i) {
    table.columns.push_back(resource_text(static_cast<workload::Resource>(i)));
  }
  const auto add = [&](const std::string& label, const Bounds& bounds) {
    std::vector<std::string> row{label};
    for (const double saved : bounds.saved) row.push_back(percent(std::max(0.0, saved)));
    table.rows.push_back(std::move(row));
  };
  for (const DecodePoint& point : run.points) {
    add(fmt::format("decode at {}", grouped(point.sequences)), point.bounds);
  }
  if (run.prefill) add("prefill", run.prefill->bounds);
  return table;
}

Table memory_table(const ServingReport& run) {
  Table table{.title = "Memory a GPU, GB",
              .columns = {"unit", "weights", "buffers", "cache a sequence", "sequences",
                          "most sequences", "total", "available"}};
  const auto add = [&](const std::string& unit, const model::ServingMemory& memory) {
    table.rows.push_back({unit, gigabytes_text(memory.weights), gigabytes_text(memory.buffers),
                          fixed(memory.cache_per_sequence.in(bytes(1e9)), 4),
                          grouped(memory.sequences), grouped(memory.sequences_most),
                          gigabytes_text(memory.total()), gigabytes_text(memory.available)});
  };
  if (run.has_decode()) add("decode", run.decode_memory);
  if (run.prefill) add("prefill", run.prefill->memory);
  return table;
}

Table block_table(const ServingReport& run) {
  Table table{.title = fmt::format("Blocks of {}: one micro-batch in one layer, us",
                                   run.has_decode() ? "decode at the operating point" : "prefill"),
              .columns = {"block", "time", "memory", "compute", "launches", "estimated"}};
  for (const workload::Block& block : run.blocks) {
    Seconds memory{};
    Seconds compute{};
    Seconds fixed_time = block.operators.empty() ? block.time : Seconds{};
    for (const workload::Operator& op : block.operators) {
      (op.memory_bound ? memory : compute) += op.time - op.fixed;
      fixed_time += op.fixed;
    }
    const double share = block.time > Seconds{} ? block.estimated_time.in(block.time) : 0;
    table.rows.push_back({block.name, microseconds_text(block.time), microseconds_text(memory),
                          microseconds_text(compute), microseconds_text(fixed_time),
                          percent(share)});
  }
  return table;
}

Table exchange_table(const ServingReport& run) {
  const simulate::RankResult& rank = run.result.ranks.front();
  Table table{
      .title = fmt::format("Exchanges of rank {} on {} in an iteration, ms", rank.rank, run.fabric),
      .columns = {"kind", "busy", "exposed", "hidden"}};
  for (const CommunicationTime& kind : communication_of(rank, run.result.labels)) {
    table.rows.push_back({kind.name, milliseconds_text(kind.busy), milliseconds_text(kind.exposed),
                          milliseconds_text(kind.hidden)});
  }
  return table;
}

}  // namespace

void add_serving_rows(Table& table, const std::vector<ServingReport>& runs) {
  const auto any = [&](const auto& holds) { return std::any_of(runs.begin(), runs.end(), holds); };
  if (any([](const ServingReport& r) { return r.has_decode(); })) DecodeRows(table, runs).add();
  if (any([](const ServingReport& r) { return r.prefill.has_value(); })) {
    add_prefill_rows(table, runs);
  }
  add_cost_rows(table, runs);
}

std::vector<Table> serving_tables(const ServingReport& run) {
  std::vector<Table> tables;
  if (run.has_decode()) tables.push_back(curve_table(run));
  tables.push_back(bounds_table(run));
  Table exchanges = exchange_table(run);
  if (!exchanges.rows.empty()) tables.push_back(std::move(exchanges));
  tables.push_back(block_table(run));
  tables.push_back(memory_table(run));
  return tables;
}

}  // namespace planewise::report
