#include "bpt_plr/results/correct/review.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/page/report_files.hpp"
#include "bpt_plr/results/report/suspects.hpp"

namespace bptplr {

std::string review_page(const Audit& audit, const TrainingData& data, const Heading& heading,
                        const std::string& run, std::int64_t count) {
  const auto [width, height] = picture_sides(data.dataset.train);
  nlohmann::ordered_json page{{"run", run},
                              {"classes", data.dataset.class_names},
                              {"samples", data.dataset.train.size()},
                              {"width", width},
                              {"height", height},
                              {"items", suspect_items(audit, data, count)}};
  return html_page(report_files::kReviewPage, report_files::kReviewScript, heading, page);
}

}  // namespace bptplr
