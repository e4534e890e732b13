// One right file of each kind, for tests that read them or change one thing in them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace planewise::test {

inline constexpr std::string_view kTopology = R"(planewise_topology: 1
name: three_planes
source: made up
nodes:
  count: 16
  gpus: 6
  nics: 6
  nvlink_rate: 200 GB/s
  nvlink_latency: 0.98 us
  source: nodes
fabric:
  family: mpft
  layers: 3
  planes: 3
  radix: 8
  link_rate: 400 Gb/s
  switch_latency: 0.45 us
  leaf_oversubscription: 1.5
  spine_oversubscription: 3
  striping: greedy
  routing: static
  source: fabric
)";

inline constexpr std::string_view kPriceBook = R"(planewise_price_book: 1
name: prices
date: 2025-05-14
source: made up
roles:
  switch:
    radix: 8
    price: 40000 USD
    price_evidence: fitted
    price_source: a
    power_typical: 747 W
    power_maximum: 1.72 kW
    power_evidence: measured
    power_source: b
  inter_switch_link:
    price: 1855.5 USD
    price_evidence: published
    price_source: c
    power_typical: 17 W
    power_maximum: 17 W
    power_evidence: estimated
    power_source: d
  endpoint_link:
    price: 0 USD
    price_evidence: estimated
    price_source: e
    power_typical: 0 W
    power_maximum: 1 W
    power_evidence: estimated
    power_source: f
)";

inline constexpr std::string_view kModel = R"(planewise_model: 1
name: latent
source: made up
layers: 7
hidden: 512
intermediate: 1024
vocabulary: 32000
tied_embedding: true
mtp_depth: 1
attention:
  kind: mla
  heads: 16
  q_lora_rank: 96
  kv_lora_rank: 64
  qk_nope_head_dim: 32
  qk_rope_head_dim: 8
  v_head_dim: 24
  source: attention
moe:
  first_dense_layers: 2
  routed_experts: 64
  shared_experts: 1
  experts_per_token: 4
  expert_intermediate: 128
  groups: 8
  groups_per_token: 4
  source: experts
)";

inline constexpr std::string_view kDenseModel = R"(planewise_model: 1
name: dense
source: made up
layers: 3
hidden: 256
intermediate: 512
vocabulary: 1000
tied_embedding: false
mtp_depth: 0
attention:
  kind: gqa
  heads: 8
  kv_heads: 2
  head_dim: 32
  qkv_bias: true
  source: attention
)";

/// A step of every kind.
inline constexpr std::string_view kTraffic = R"(planewise_workload: 1
name: t
source: made up
phase: traffic
ranks: 64
size_spread: 20 %
repeat: 5
steps:
  - collective: all_to_all
    algorithm: node_limited
    name: dispatch
    group: 16
    layout: spread
    size: 3 MB
    nvlink_size: 2 MB
    curve: ep_combine
  - compute: 200 us
  - collective: broadcast
    algorithm: tree
    size: 1 MiB
    chunks: 8
  - collective: send
    size: 7 kB
    pairs: [{from: 5, to: 3}]
  - collective: send
    size: 7 kB
    group: 4
    shift: 3
  - collective: send
    size: 7 kB
    group: 8
    incast: 2
)";

/// Names `model.yaml` and `profile.yaml` beside it.
inline constexpr std::string_view kWorkload = R"(planewise_workload: 1
name: work
source: made up
phase: training
model: model.yaml
profile: profile.yaml
schedule: 1f1b
precision: fp8_blockwise
recomputation: selective
batch:
  sequence_length: 2048
  sequences_per_micro_batch: 2
  micro_batches: 9
  source: batch
parallel:
  pipeline: 3
  data: 32
  expert: 16
  layers_per_stage: [3, 2, 2]
  source: parallel
routing:
  tokens: balanced
  nodes_per_token: 2
  source: routing
optimizer:
  gradient_bytes: 4
  parameter_bytes: 2
  master_bytes: 4
  moment_bytes: 3
  source: optimizer
)";

inline constexpr std::string_view kProfile = R"(planewise_calibration: 1
name: machine
source: made up
gpu:
  name: GPU
  sms: 100
  bf16_peak: 989 TFLOPS
  memory_rate: 3350 GB/s
  memory: 80 GB
  source: gpu
operators:
  - id: gemm
    form: gemm
    sms: 100
    beside: alone
    evidence: published
    source: a
    points:
      - {groups: 4, m: 1, n: 2, k: 3, rate: 1009 TFLOPS}
    model:
      flop_rate: 1589 TFLOPS
      memory_rate: 3625 GB/s
      overhead: 14.25 us
      # no tile
      evidence: fitted
  - id: attention
    form: flop_rate
    sms: 88
    beside: communication
    evidence: measured
    source: b
    flop_rate: 556 TFLOPS
  - id: norm
    form: byte_rate
    sms: 88
    beside: communication
    evidence: estimated
    source: c
    memory_rate: 1090 GB/s
collectives:
  - id: ring
    latency: 2.35 us
    rail_efficiency: 0.94
    nvlink_efficiency: 80 %
    chunk_tokens: 32
    evidence: fitted
    source: d
  - id: point_to_point
    latency: 0 us
    rail_efficiency: 1
    nvlink_efficiency: 0.5
    evidence: published
    source: e
)";

inline constexpr std::string_view kCatalogue = R"(planewise_parts: 1
name: parts
date: 2026-09-30
source: made up
cable_lengths: [0.5 m, 2 m, 30 m]
switches:
  - id: box
    name: Box
    network: ethernet
    modes:
      - {link_rate: 800 Gb/s, ports: 4}
      - {link_rate: 400 Gb/s, ports: 8}
    cage: osfp
    cages: 4
    rack_units: 2
    power_typical: 900 W
    power_maximum: 2.2 kW
    power_evidence: secondary
    power_source: a
    source: b
  - id: glass
    name: Built-in optics
    network: infiniband
    modes: [{link_rate: 400 Gb/s, ports: 8}]
    cage: none
    power_typical: 0 W
    power_evidence: estimated
    power_source: not known
    source: c
nics:
  - id: card
    name: Card
    link_rate: 400 Gb/s
    ports: 2
    cage: qsfp112
    power_typical: 17 W
    power_maximum: 25 W
    power_evidence: recalled
    power_source: d
    source: e
modules:
  - id: twin
    name: Twin
    cage: osfp
    link_rate: 400 Gb/s
    links: 2
    media: smf_lc
    reach: 2000 m
    power_typical: 16.5 W
    power_evidence: published
    power_source: f
    source: g
cables:
  - id: splitter
    name: Splitter
    kind: dac
    link_rate: 400 Gb/s
    links: 2
    lower_cage: qsfp112
    lower_links: 1
    upper_cage: osfp
    reach: 2 m
    power_typical: 0.1 W
    power_evidence: estimated
    power_source: h
    source: i
  - id: active
    name: Active
    kind: aoc
    link_rate: 400 Gb/s
    links: 1
    lower_cage: osfp
    lower_links: 1
    upper_cage: osfp
    reach: 30 m
    power_typical: 18 W
    power_evidence: estimated
    power_source: j
    source: k
fibres:
  - id: glass-fibre
    name: Fibre
    media: smf_lc
    source: l
infrastructure:
  - id: rack
    name: Rack
    rack_units: 48
    source: m
  - id: software
    name: Software
    source: n
)";

/// Of parts of `kCatalogue`.
inline constexpr std::string_view kPartPrices = R"(planewise_price_book: 1
name: street
date: 2026-09-30
source: made up
parts:
  - part: box
    lo: 30000 USD
    mid: 50000 USD
    hi: 80000 USD
    evidence: recalled
    date: 2024-2026
    source: a
  - {part: card, lo: 9 USD, mid: 9 USD, hi: 9 USD, evidence: secondary, source: b}
  - {part: twin, lo: 500 USD, mid: 750 USD, hi: 1400 USD, evidence: estimated, source: c}
  - part: glass-fibre
    lo: 21 USD
    mid: 35 USD
    hi: 63 USD
    metre_lo: 0.9 USD
    metre_mid: 1.5 USD
    metre_hi: 2.7 USD
    evidence: quoted
    source: d
)";

inline constexpr std::string_view kQuotes = R"(planewise_quotes: 1
name: offers
date: 2026-10-01
source: made up
quotes:
  - {part: box, price: 45000 USD, source: a}
  - {part: glass-fibre, price: 30 USD, per_metre: 1.25 USD, source: b}
discounts:
  - {group: optics, share: 20 %, source: c}
  - {part: card, share: 0.1, source: d}
)";

inline constexpr std::string_view kScenario = R"(planewise_scenario: 1
name: five years
source: made up
evidence: recalled
years: 6
depreciation_years: 4.5
pue: 1.2
energy_price: 0.078 USD
load: 30 %
install_per_cable_end: 20 USD
upkeep:
  switches: {maintenance: 5 %, spares: 2 %}
  fibre: {maintenance: 0, spares: 0.01}
common_share: 0.7
)";

inline constexpr std::string_view kFaults = R"(planewise_faults: 1
name: bad day
reroute_after: 12 ms
events:
  - at: 2 s
    until: 5.5 s
    rate: 30 %
    switch: {plane: 1, layer: spine, index: 3}
  - at: 0 s
    plane: 2
  - at: 1 s
    link: {plane: 0, leaf: 4, spine: 2, number: 1}
  - at: 1 s
    link: {plane: 0, leaves: [6, 5]}
  - at: 1 s
    link: {node: 9, nic: 3}
  - at: 1 s
    link: {node: 9, nic: 3, plane: 1}
  - at: 1 s
    link: {node: 8, gpu: 7}
)";

inline constexpr std::string_view kFigures = R"(planewise_figures: 1
name: bounds
groups:
  - id: decode
    name: "Decoding"
    source: "a paper"
    figures:
      - id: decode.exchange
        name: "an exchange"
        published: 120.96 us
        role: identity
        digits: rounded
        ours: {kind: decode_limit, value: exchange, tokens: 32, experts_per_token: 9, hidden: 7000,
               dispatch_bytes: 1, combine_bytes: 2, layers: 61, rate: 50 GB/s}
      - id: decode.tokens
        name: "tokens a second"
        published: 67
        source: "another paper"
        role: checked
        limit: 2 %
        note: "cut off, not rounded"
        ours: {kind: decode_limit, value: tokens_per_s, tokens: 32, experts_per_token: 9, hidden: 7000,
               dispatch_bytes: 1, combine_bytes: 2, layers: 61, rate: 50 GB/s}
)";

/// `text` with `from`, which must be in it, replaced once by `to`.
inline std::string changed(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const std::size_t at = out.find(from);
  if (at == std::string::npos) throw std::logic_error("not in the example: " + std::string(from));
  return out.replace(at, from.size(), to);
}

}  // namespace planewise::test
