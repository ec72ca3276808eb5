#include "bpt_plr/results/correct/review.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/page/report_files.hpp"
#include "bpt_plr/results/report/suspects.hpp"

namespace bptplr {

std::string review_page(const Audit& audit, const TrainingData& data, const Heading& heading,
                        const std::string& run, std::int64_t count) {
  const Images& images = data.dataset.train.images;
  nlohmann::ordered_json page{{"run", run},
                              {"classes", data.dataset.class_names},
                              {"samples", images.count},
                              {"width", images.width},
                              {"height", images.height},
                              {"items", nlohmann::ordered_json::array()}};
  const std::int64_t shown = std::min(count, std::ssize(audit.ranking));
  for (std::int64_t rank = 0; rank < shown; ++rank) {
    page["items"].push_back(
        suspect_item(audit, data, audit.ranking[static_cast<std::size_t>(rank)]));
  }
  return html_page(report_files::kReviewPage, report_files::kReviewScript, heading, page);
}

}  // namespace bptplr
