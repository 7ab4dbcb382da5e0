"""A linear-chain conditional random field (Lafferty et al. 2001) over tags: its loss and its best paths.

B sentences, T tokens, K tags. scores (B, T, K) of the tags, mask (B, T) 1 for a token and 0 behind the last,
steps (K, K) from a tag to the next.
"""

import torch
from torch import Tensor


def negative_log_likelihood(scores: Tensor, mask: Tensor, tags: Tensor, steps: Tensor) -> Tensor:
    """tags (B, T) that are right -> mean over sentences, a scalar >= 0."""
    picked = scores.gather(2, tags[..., None])[..., 0] * mask  # (B, T)
    moved = steps[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]
    total = scores[:, 0]  # (B, K): log of the sum over all paths that end in each tag
    for t in range(1, scores.shape[1]):
        onward = torch.logsumexp(total[:, :, None] + steps, dim=1) + scores[:, t]
        total = torch.where(mask[:, t, None] > 0, onward, total)
    return (torch.logsumexp(total, dim=1) - picked.sum(1) - moved.sum(1)).mean()


def best_paths(scores: Tensor, mask: Tensor, steps: Tensor) -> list[list[int]]:
    """-> the most probable tags of each sentence's own tokens (Viterbi)."""
    total, back = scores[:, 0], []
    for t in range(1, scores.shape[1]):
        best, came = (total[:, :, None] + steps).max(dim=1)  # (B, K)
        alive = mask[:, t, None] > 0
        back.append(torch.where(alive, came, torch.arange(came.shape[1])))
        total = torch.where(alive, best + scores[:, t], total)
    tag = total.argmax(dim=1)
    path = [tag]
    for came in reversed(back):
        tag = came.gather(1, tag[:, None])[:, 0]
        path.append(tag)
    paths = torch.stack(path[::-1], dim=1).tolist()
    return [row[:n] for row, n in zip(paths, mask.sum(1).long().tolist(), strict=True)]
