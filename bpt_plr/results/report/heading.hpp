// Says in words what a page is about: its heading and title.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Two lines at the top of a page; its title is both.
struct Heading {
  std::string data;   ///< what the data are
  std::string about;  ///< what was done with them, when, and where the results are
};

/// Returns the data of a resolved recipe, such as "shapes: 1,000 training images of 10 classes, 40
/// % symmetric noise"; image files are called by their folder. `images`: those of the training set;
/// 0 if unknown, then they are not mentioned.
std::string describe_data(const Recipe& recipe, std::int64_t images, std::int64_t classes);

/// Returns the last part of a path, also of "runs/x/" or ".".
std::string last_part(const std::filesystem::path& path);

/// Returns the day of a time, in UTC, as "2026-11-28".
std::string day_of(std::time_t time);

/// Returns the day on which the last training of a run's folder began, by the name of its
/// TensorBoard file, which copies keep; empty if there is none.
std::string day_of_run(const std::filesystem::path& folder);

}  // namespace bptplr
