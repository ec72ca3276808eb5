#include "apps/terminal/time_notice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "bpt_plr/recipe/stages.hpp"
#include "data/sets/dataset_table.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {
namespace {

/// An estimate needs that many iterations after the first one, and a run that is not over at once;
/// or iterations that take longer than a user would wait for.
constexpr std::int64_t kIterations = 3;
constexpr double kShortest = 0.3;
constexpr double kPatience = 5.0;
/// Factor from which an estimate corrects the one of the first iteration.
constexpr double kCorrection = 1.3;

/// Least width and image side that a suggestion goes down to, in channels and pixels.
constexpr std::int64_t kLeastWidth = 16;
constexpr std::int64_t kLeastSide = 64;
/// Images of an epoch that a suggestion goes down to.
constexpr std::int64_t kLeastImages = 10'000;

bool is_steady(const RunTime& time) {
  const std::int64_t iterations = time.measured_iterations();
  return (iterations >= kIterations && time.run_seconds() >= kShortest) ||
         (iterations >= 1 && time.epoch_seconds() >= 2.0 * kPatience);
}

std::string epochs_text(std::int64_t epochs) {
  return fmt::format("{} epoch{}", epochs, epochs == 1 ? "" : "s");
}

/// Returns what a smaller network or smaller images would do, which a run cannot change later on.
void add_smaller(const Recipe& recipe, std::vector<std::string>& ways) {
  if (recipe.pretrained.empty() && recipe.width >= 2 * kLeastWidth) {
    ways.push_back(fmt::format("--width {} (now {}), a quarter of the work of most layers",
                               recipe.width / 2, recipe.width));
  }
  const std::int64_t side = recipe.image_size / 2 / 8 * 8;
  const bool has_files = dataset_info(recipe.dataset).has_image_files();
  if (has_files && side >= kLeastSide && recipe.crop <= side) {
    ways.push_back(
        fmt::format("--image_size {} (now {}), a quarter of the work", side, recipe.image_size));
  }
}

/// Returns what fewer images would do.
void add_fewer(const Recipe& recipe, std::int64_t train_images, std::vector<std::string>& ways) {
  const std::int64_t images = std::max(train_images / 4, std::int64_t{kLeastImages});
  if (train_images < 2 * images || recipe.epoch_size > 0) return;
  const bool looks_back =
      recipe.loss_history > 1 || recipe.selection == SelectionKind::kHighConfidence;
  if (!looks_back) {
    ways.push_back(
        fmt::format("--epoch_size {} (of {} images, others in every epoch)", images, train_images));
  }
  ways.push_back(fmt::format("--subset {} (the same images in every epoch)", images));
}

}  // namespace

std::optional<TimeEstimate> TimeNotice::due(const RunTime& time, const Progress& now) {
  const bool trains = now.phase != "partition" && now.phase != "test";
  if (!trains || said_ == TimeBasis::kMeasured) return {};
  const bool is_main = !divides_ || !time.is_warm_up(now.epoch);
  const bool first_is_long =
      on_cpu_ && !said_ && now.iteration == 1 && time.epoch_seconds() >= kPatience;
  if (!is_steady(time) && !first_is_long) return {};
  const TimeBasis basis = !is_steady(time) ? TimeBasis::kFirstIteration
                          : is_main        ? TimeBasis::kMeasured
                                           : TimeBasis::kFirstIterations;
  if (said_ == basis) return {};
  const auto left = time.left();
  if (!left) return {};
  const double seconds = left->seconds();
  const bool is_right = said_ == TimeBasis::kFirstIteration &&
                        seconds < kCorrection * said_seconds_ &&
                        seconds * kCorrection > said_seconds_;
  const bool is_first = !said_;
  said_ = basis;
  said_seconds_ = seconds;
  if (is_right) return {};
  return TimeEstimate{*left, basis, is_first};
}

std::string time_sentence(const TimeEstimate& estimate, bool resumed) {
  const TimeLeft& left = estimate.left;
  const bool of_all = estimate.is_first && !resumed;
  std::string text = fmt::format("about {} for {}{}", duration_text(left.seconds()),
                                 epochs_text(left.epochs()), of_all ? "" : " that are left");
  if (!estimate.is_first && estimate.basis == TimeBasis::kMeasured) {
    return text + ", now that one after the warm-up is measured";
  }
  if (left.warm_up_epochs > 0 && left.other_epochs > 0) {
    text += fmt::format(", of which {} of warm-up take {} and {} after it {}", left.warm_up_epochs,
                        duration_text(left.warm_up_seconds), left.other_epochs,
                        duration_text(left.other_seconds));
  }
  if (estimate.basis == TimeBasis::kMeasured) return text;
  return text + (estimate.basis == TimeBasis::kFirstIteration
                     ? ", estimated from the first iteration"
                     : ", estimated from the first iterations");
}

std::string shorter_sentence(const Recipe& recipe, std::int64_t train_images, bool resumed) {
  std::vector<std::string> ways;
  if (recipe.device == DeviceChoice::kCpu) {
    ways.emplace_back(kernels::device_count() > 0 ? "--device cuda, as there is a GPU"
                                                  : "a GPU, with a build for CUDA");
    const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
    if (recipe.threads < cores) {
      ways.push_back(fmt::format("--threads {} (now {})", cores, recipe.threads));
    }
  }
  if (!resumed) {
    add_smaller(recipe, ways);
    add_fewer(recipe, train_images, ways);
  }
  const std::int64_t epochs = recipe.num_epochs / 2;
  const bool is_possible =
      recipe.second_run.empty() && (!divides(recipe) || epochs > recipe.warm_up);
  if (!resumed && is_possible && epochs >= 2) {
    ways.push_back(fmt::format("--num_epochs {} (now {})", epochs, recipe.num_epochs));
  }
  return ways.empty() ? "" : fmt::format("shorter with {}", fmt::join(ways, "; "));
}

}  // namespace bptplr
