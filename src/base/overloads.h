// For std::visit: one function for each alternative of a variant.
#pragma once

namespace planewise {

/// Overloads{[](const A&) {...}, [](const B&) {...}} calls the one that fits.
template <class... Functions>
struct Overloads : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloads(Functions...) -> Overloads<Functions...>;

}  // namespace planewise
