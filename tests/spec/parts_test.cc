// Catalogues, price books of parts, quotes and scenarios: every field of each.
#include "spec/parts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "spec/check_parts.h"
#include "spec/example_files.h"
#include "spec/mistakes.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

/// Reads `text`; expects no mistake.
template <class Spec>
Spec read(Spec (*reader)(Document, Diagnostics&), std::string_view text) {
  Diagnostics diagnostics;
  Spec spec = reader(parse_document("file.yaml", std::string(text), diagnostics), diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, "file.yaml"), Texts{});
  EXPECT_EQ(spec.source, "made up");
  return spec;
}

TEST(Parts, CatalogueOfSwitchesAndNics) {
  const CatalogueSpec catalogue = read(read_parts, test::kCatalogue);
  EXPECT_EQ(catalogue.name, "parts");
  EXPECT_EQ(catalogue.date, "2026-09-30");
  EXPECT_EQ(catalogue.cable_lengths, (std::vector<Metres>{metres(0.5), metres(2), metres(30)}));
  ASSERT_EQ(catalogue.switches.size(), 2U);
  const SwitchPart& box = catalogue.switches[0];
  EXPECT_EQ(box.id, "box");
  EXPECT_EQ(box.name, "Box");
  EXPECT_EQ(box.network, "ethernet");
  EXPECT_EQ(box.ports_at(gigabits_per_second(800)), 4);
  EXPECT_EQ(box.ports_at(gigabits_per_second(400)), 8);
  EXPECT_EQ(box.ports_at(gigabits_per_second(200)), 0);
  EXPECT_EQ(box.cage, Cage::osfp);
  EXPECT_EQ(box.cages, 4);
  EXPECT_EQ(box.rack_units, 2);
  EXPECT_EQ(box.power.typical, watts(900));
  EXPECT_EQ(box.power.maximum, watts(2200));
  EXPECT_EQ(box.power.evidence, Evidence::secondary);
  EXPECT_EQ(box.power.source, "a");
  EXPECT_EQ(box.source, "b");
  const SwitchPart& glass = catalogue.switches[1];
  EXPECT_EQ(glass.cage, Cage::none);
  EXPECT_EQ(glass.cages, 0);
  EXPECT_EQ(glass.rack_units, 0);
  EXPECT_EQ(glass.power.maximum, watts(0));
  ASSERT_EQ(catalogue.nics.size(), 1U);
  const NicPart& card = catalogue.nics[0];
  EXPECT_EQ(card.link_rate, gigabits_per_second(400));
  EXPECT_EQ(card.ports, 2);
  EXPECT_EQ(card.cage, Cage::qsfp112);
  EXPECT_EQ(card.power.typical, watts(17));
  EXPECT_EQ(card.power.evidence, Evidence::recalled);
  EXPECT_EQ(card.source, "e");
}

TEST(Parts, CatalogueOfWhatJoins) {
  const CatalogueSpec catalogue = read(read_parts, test::kCatalogue);
  const ModulePart& twin = *catalogue.find_module("twin");
  EXPECT_EQ(twin.cage, Cage::osfp);
  EXPECT_EQ(twin.link_rate, gigabits_per_second(400));
  EXPECT_EQ(twin.links, 2);
  EXPECT_EQ(twin.media, Media::smf_lc);
  EXPECT_EQ(twin.reach, metres(2000));
  EXPECT_EQ(twin.power.maximum, watts(16.5));  // not given: as typical
  EXPECT_EQ(twin.power.evidence, Evidence::published);
  const CablePart& splitter = *catalogue.find_cable("splitter");
  EXPECT_EQ(splitter.kind, CableKind::dac);
  EXPECT_EQ(splitter.links, 2);
  EXPECT_EQ(splitter.lower, Cage::qsfp112);
  EXPECT_EQ(splitter.lower_links, 1);
  EXPECT_EQ(splitter.upper, Cage::osfp);
  EXPECT_EQ(splitter.reach, metres(2));
  EXPECT_EQ(splitter.power.typical, watts(0.1));
  EXPECT_EQ(catalogue.find_fibre("glass-fibre")->media, Media::smf_lc);
  EXPECT_EQ(catalogue.find_infrastructure("rack")->rack_units, 48);
  EXPECT_EQ(catalogue.find_infrastructure("software")->rack_units, 0);
}

TEST(Parts, AreFoundByIdAndGroup) {
  const CatalogueSpec catalogue = read(read_parts, test::kCatalogue);
  EXPECT_EQ(catalogue.find_switch("glass"), &catalogue.switches[1]);
  EXPECT_EQ(catalogue.find_switch("card"), nullptr);
  EXPECT_EQ(catalogue.find_nic("card"), catalogue.nics.data());
  EXPECT_EQ(catalogue.group_of("box"), PartGroup::switches);
  EXPECT_EQ(catalogue.group_of("card"), PartGroup::nics);
  EXPECT_EQ(catalogue.group_of("twin"), PartGroup::optics);
  EXPECT_EQ(catalogue.group_of("splitter"), PartGroup::copper);
  EXPECT_EQ(catalogue.group_of("active"), PartGroup::optics);
  EXPECT_EQ(catalogue.group_of("glass-fibre"), PartGroup::fibre);
  EXPECT_EQ(catalogue.group_of("rack"), PartGroup::infrastructure);
  EXPECT_EQ(catalogue.group_of("nothing"), std::nullopt);
}

// Every word that a file may hold is read back as itself.
TEST(Parts, WordsAreSpelledAsInYaml) {
  for (const Cage cage : {Cage::none, Cage::qsfp28, Cage::qsfp56, Cage::qsfp112, Cage::qsfp_dd,
                          Cage::osfp, Cage::osfp224, Cage::rj45}) {
    const std::string line = "cage: " + std::string(cage_name(cage));
    const CatalogueSpec catalogue =
        read(read_parts, test::changed(test::kCatalogue, "cage: qsfp112", line));
    EXPECT_EQ(catalogue.nics[0].cage, cage);
  }
  for (const PartGroup group : kPartGroups) {
    const std::string word = "group: " + std::string(part_group_name(group));
    const QuotesSpec quotes =
        read(read_quotes, test::changed(test::kQuotes, "group: optics", word));
    EXPECT_EQ(quotes.discounts[0].group, group);
  }
}

TEST(Parts, PriceBook) {
  const PriceBookSpec book = read(read_price_book, test::kPartPrices);
  EXPECT_EQ(book.name, "street");
  EXPECT_EQ(book.date, "2026-09-30");
  EXPECT_FALSE(book.roles);
  ASSERT_EQ(book.parts.size(), 4U);
  const PartPrice& box = book.parts[0];
  EXPECT_EQ(box.part, "box");
  EXPECT_EQ(box.price.lo, usd(30000));
  EXPECT_EQ(box.price.mid, usd(50000));
  EXPECT_EQ(box.price.hi, usd(80000));
  EXPECT_EQ(box.per_metre.hi, usd(0));
  EXPECT_EQ(box.evidence, Evidence::recalled);
  EXPECT_EQ(box.date, "2024-2026");
  EXPECT_EQ(box.source, "a");
  EXPECT_EQ(book.parts[1].date, "");
  const PartPrice& fibre = *book.find("glass-fibre");
  EXPECT_EQ(fibre.per_metre.lo, usd(0.9));
  EXPECT_EQ(fibre.per_metre.mid, usd(1.5));
  EXPECT_EQ(fibre.per_metre.hi, usd(2.7));
  EXPECT_EQ(fibre.evidence, Evidence::quoted);
  EXPECT_EQ(book.find("rack"), nullptr);
}

TEST(Parts, Quotes) {
  const QuotesSpec quotes = read(read_quotes, test::kQuotes);
  EXPECT_EQ(quotes.name, "offers");
  EXPECT_EQ(quotes.date, "2026-10-01");
  ASSERT_EQ(quotes.quotes.size(), 2U);
  EXPECT_EQ(quotes.quotes[0].part, "box");
  EXPECT_EQ(quotes.quotes[0].price, usd(45000));
  EXPECT_EQ(quotes.quotes[0].per_metre, usd(0));
  EXPECT_EQ(quotes.quotes[0].source, "a");
  EXPECT_EQ(quotes.quotes[1].per_metre, usd(1.25));
  ASSERT_EQ(quotes.discounts.size(), 2U);
  EXPECT_EQ(quotes.discounts[0].group, PartGroup::optics);
  EXPECT_EQ(quotes.discounts[0].share, 0.2);
  EXPECT_EQ(quotes.discounts[0].source, "c");
  EXPECT_FALSE(quotes.discounts[1].group);
  EXPECT_EQ(quotes.discounts[1].part, "card");
}

TEST(Parts, Scenario) {
  const ScenarioSpec scenario = read(read_scenario, test::kScenario);
  EXPECT_EQ(scenario.name, "five years");
  EXPECT_EQ(scenario.evidence, Evidence::recalled);
  EXPECT_EQ(scenario.years, 6);
  EXPECT_EQ(scenario.depreciation_years, 4.5);
  EXPECT_EQ(scenario.pue, 1.2);
  EXPECT_EQ(scenario.energy_price, usd(0.078));
  EXPECT_EQ(scenario.load, 0.3);
  EXPECT_EQ(scenario.install_per_cable_end, usd(20));
  ASSERT_EQ(scenario.upkeep.size(), 2U);
  EXPECT_EQ(scenario.upkeep.at(PartGroup::switches).maintenance, 0.05);
  EXPECT_EQ(scenario.upkeep.at(PartGroup::switches).spares, 0.02);
  EXPECT_EQ(scenario.upkeep.at(PartGroup::fibre).spares, 0.01);
  EXPECT_EQ(scenario.common_share, 0.7);
  const ScenarioSpec plain =
      read(read_scenario, test::changed(test::kScenario, "common_share: 0.7\n", ""));
  EXPECT_EQ(plain.common_share, 0.8);
}

/// The shipped files, which belong together.
class ShippedParts : public testing::Test {
 protected:
  static std::string path(const std::string& name) {
    return (std::filesystem::path(PLANEWISE_ROOT) / "topologies/parts" / name).string();
  }
  Diagnostics diagnostics;
  CatalogueSpec catalogue = read_parts(path("catalogue-2026.yaml"), diagnostics);
  PriceBookSpec book = read_price_book(path("street-2026.yaml"), diagnostics);
};

TEST_F(ShippedParts, AreRightAndBelongTogether) {
  const QuotesSpec quotes = read_quotes(path("quotes-example.yaml"), diagnostics);
  read_scenario(path("scenario-2026.yaml"), diagnostics);
  check_book_and_parts(book, catalogue, diagnostics);
  check_quotes(quotes, book, catalogue, diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, ""), Texts{});
}

TEST_F(ShippedParts, EveryPartHasAPrice) {
  std::set<std::string> parts;
  for (const SwitchPart& part : catalogue.switches) parts.insert(part.id);
  for (const NicPart& part : catalogue.nics) parts.insert(part.id);
  for (const ModulePart& part : catalogue.modules) parts.insert(part.id);
  for (const CablePart& part : catalogue.cables) parts.insert(part.id);
  for (const FibrePart& part : catalogue.fibres) parts.insert(part.id);
  for (const InfrastructurePart& part : catalogue.infrastructure) parts.insert(part.id);
  std::set<std::string> priced;
  for (const PartPrice& price : book.parts) priced.insert(price.part);
  EXPECT_EQ(parts, priced);
  for (const FibrePart& fibre : catalogue.fibres) {
    EXPECT_GT(book.find(fibre.id)->per_metre.lo, usd(0)) << fibre.id;
  }
}

// No price was confirmed from a primary page: none may claim to be published or measured.
TEST_F(ShippedParts, NoPriceClaimsAPrimarySource) {
  for (const PartPrice& price : book.parts) {
    EXPECT_TRUE(is_estimate(price.evidence) || price.evidence == Evidence::secondary) << price.part;
  }
}

}  // namespace
}  // namespace planewise::spec
