#include "packet/fluid.h"

#include <memory>

#include "base/check.h"
#include "engine/engine.h"

namespace planewise::packet {

std::vector<Seconds> fluid_times(const Case& of, double efficiency) {
  const fabric::Router router(of.fabric, of.routing);
  std::vector<Rate> capacities;
  for (const fabric::Link& link : router.links()) capacities.push_back(link.capacity * efficiency);
  std::vector<fabric::Route> routes;
  for (const Transfer& transfer : of.transfers) routes.push_back(route(router, transfer));

  std::vector<Seconds> ends(of.transfers.size());
  std::unique_ptr<engine::Engine> engine;
  const auto start = [&](engine::TimerId id) {
    engine->start_flow({.id = id, .path = routes[id].links, .size = of.flow_size});
  };
  engine = engine::make_fast_engine(
      std::move(capacities),
      {.on_flow = [&](engine::FlowId id) { ends[id] = engine->now(); }, .on_timer = start});
  for (std::size_t i = 0; i < routes.size(); ++i) engine->at(routes[i].latency, i);
  PW_CHECK(engine->run());
  return ends;
}

}  // namespace planewise::packet
