// Every key of a faults file arrives where it belongs, and what its events are called.
#include "spec/faults.h"

#include <gtest/gtest.h>

#include "spec/example_files.h"
#include "spec/mistakes.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

FaultsSpec read_text(std::string_view text) {
  Diagnostics diagnostics;
  FaultsSpec faults =
      read_faults(parse_document("faults.yaml", std::string(text), diagnostics), diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, "faults.yaml"), std::vector<std::string>{});
  return faults;
}

TEST(ReadFaults, ReadsEveryKey) {
  const FaultsSpec faults = read_text(test::kFaults);
  EXPECT_EQ(faults.name, "bad day");
  EXPECT_EQ(faults.reroute_after, milliseconds(12));
  ASSERT_EQ(faults.events.size(), 7U);
  const FaultEvent& first = faults.events[0];
  EXPECT_EQ(first.at, seconds(2));
  EXPECT_EQ(first.until, seconds(5.5));
  EXPECT_DOUBLE_EQ(first.rate, 0.3);
  EXPECT_EQ(faults.events[1].until, std::nullopt);
  EXPECT_EQ(faults.events[1].rate, 0);
  const auto& link = std::get<SwitchLinkTarget>(faults.events[2].target);
  EXPECT_EQ(link.lower.layer, Layer::leaf);
  EXPECT_EQ(link.upper.layer, Layer::spine);
  EXPECT_EQ(link.number, 1);
  std::vector<std::string> names;
  for (const FaultEvent& event : faults.events) names.push_back(target_name(event.target));
  EXPECT_EQ(names, (std::vector<std::string>{"plane 1 spine 3", "plane 2",
                                             "plane 0 leaf 4 - spine 2, link 1",
                                             "plane 0 leaf 6 - leaf 5", "node 9 nic 3",
                                             "node 9 nic 3 in plane 1", "node 8 gpu 7 nvlink"}));
}

TEST(ReadFaults, FlowsNoticeAtOnceUnlessTheFileSaysLater) {
  EXPECT_EQ(read_text(test::changed(test::kFaults, "reroute_after: 12 ms\n", "")).reroute_after,
            Seconds{});
}

}  // namespace
}  // namespace planewise::spec
