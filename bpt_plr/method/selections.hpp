// The kinds of Selection that selection.cpp knows, one file each.
#pragma once

#include <memory>

#include "bpt_plr/method/selection.hpp"

namespace bptplr {

std::unique_ptr<Selection> make_mixture(const Recipe& recipe);            // mixture_selection.cpp
std::unique_ptr<Selection> make_balanced_mixture(const Recipe& recipe);   // mixture_selection.cpp
std::unique_ptr<Selection> make_uniform(const Recipe& recipe);            // uniform_selection.cpp
std::unique_ptr<Selection> make_high_confidence(const Recipe& recipe);    // confident_selection.cpp
std::unique_ptr<Selection> make_confident_mixture(const Recipe& recipe);  // confident_selection.cpp

}  // namespace bptplr
