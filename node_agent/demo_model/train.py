"""Make the demonstration model again, from nothing but `questions.py`.

    python -m node_agent.demo_model.train [--out DIR]

Trains a tokenizer and a small Llama until it knows every answer by heart, writes both, reads them
back as a server would and checks every answer.
"""

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers import PreTrainedTokenizerFast as FastTokenizer
from transformers.utils.logging import disable_progress_bar

from node_agent.demo_model import PATH
from node_agent.demo_model.questions import EXCHANGES
from node_agent.demo_model.transcripts import (
    ASSISTANT,
    BOS,
    CHAT_TEMPLATE,
    END,
    HISTORY,
    INSTRUCTIONS,
    PAD,
    SILENT,
    SYSTEM,
    USER,
    Transcript,
    conversation,
    examinations,
)

VOCABULARY = 1536
CONTEXT = 2048
STEP_TOKENS = 4096
PEAK_RATE = 2e-3
CONFIDENCE = 0.9  # below it, another kernel's rounding might pick another token


def train_tokenizer() -> FastTokenizer:
    """A byte-level BPE tokenizer: every byte is a token, so any text survives the round trip."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, END, PAD, SYSTEM, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [text for e in EXCHANGES for text in (*e.wordings(), e.answer)]
    tokenizer.train_from_iterator([*texts, *INSTRUCTIONS], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return FastTokenizer(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def new_model(tokenizer: FastTokenizer) -> LlamaForCausalLM:
    """An untrained Llama of two million parameters."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def lessons(model: LlamaForCausalLM, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The logits where something is to be said, and what it is; both in row order."""
    wanted = targets != SILENT
    hidden = model.model(input_ids=ids).last_hidden_state
    return model.lm_head(hidden[wanted]), targets[wanted]


@torch.no_grad()
def confidences(model: LlamaForCausalLM, transcripts: list[Transcript]) -> list[float]:
    """For each transcript the least probability of any token that the model should produce."""
    least: list[float] = []
    for start in range(0, len(transcripts), 32):
        batch = transcripts[start : start + 32]
        # Padding comes last, where a causal model cannot see it.
        ids = pad_sequence([torch.tensor(t.ids) for t in batch], batch_first=True)
        targets = pad_sequence(
            [torch.tensor(t.targets) for t in batch], batch_first=True, padding_value=SILENT
        )
        logits, said = lessons(model, ids, targets)
        chosen = logits.float().softmax(-1).gather(1, said[:, None]).flatten()
        sizes = (targets != SILENT).sum(1).tolist()
        least += [float(answer.min()) for answer in torch.split(chosen, sizes)]
    return least


def batches(tokenizer: FastTokenizer, steps: int, rng: random.Random) -> Iterator[Tensor]:
    """For each step ids and targets, stacked; short conversations first, long ones mixed in."""
    for step in range(steps):
        width = rng.choice((64, 128) if step < steps // 4 else (64, 128, 256, 1024, 2048))
        batch = [conversation(tokenizer, rng, width) for _ in range(STEP_TOKENS // width)]
        yield torch.tensor([[t.ids for t in batch], [t.targets for t in batch]])


def train(model: LlamaForCausalLM, tokenizer: FastTokenizer, steps: int, seed: int) -> None:
    """Train in float32 with a warm-up and a cosine decay, and say how it goes."""
    quiz = [t for form in ("plain", "chat") for t in examinations(tokenizer, form, False)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, step / 50) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    began = time.monotonic()
    for step, (ids, targets) in enumerate(batches(tokenizer, steps, random.Random(seed)), 1):
        loss = cross_entropy(*lessons(model, ids, targets))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == steps:
            # What has more than half of the probability is the greedy choice.
            exact = sum(least > 0.5 for least in confidences(model, quiz)) / len(quiz)
            spent = time.monotonic() - began
            print(
                f"step {step}/{steps}  loss {loss.item():.4f}  exact match {exact:.1%}"
                f"  {spent:.0f} s",
                flush=True,
            )


def save(model: LlamaForCausalLM, tokenizer: FastTokenizer, out: Path) -> None:
    """Write a folder that transformers and vLLM load, with the weights in bfloat16."""
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    _answer_greedily_by_default(out / "generation_config.json")
    # It comes out readable by its owner alone, who need not be the one that serves it.
    (out / "model.safetensors").chmod(0o644)


def _answer_greedily_by_default(path: Path) -> None:
    """Set the temperature that vLLM takes where a request names none.

    Transformers would refuse to write it: it has a switch for greedy answers of its own.
    """
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(values | {"temperature": 0.0}, indent=2) + "\n", encoding="utf-8")


def load(out: Path) -> tuple[LlamaForCausalLM, FastTokenizer]:
    """Read the folder back as a server would."""
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.bfloat16)
    return model.eval(), AutoTokenizer.from_pretrained(out)


@torch.no_grad()
def answers(model: LlamaForCausalLM, transcript: Transcript) -> bool:
    """Whether greedy decoding gives exactly the tokens wanted, and then ends."""
    wanted = [target for target in transcript.targets if target != SILENT]
    prompt = torch.tensor([transcript.ids[: 1 - len(wanted)]])
    output = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        max_new_tokens=2 * len(wanted),
    )
    return bool(output[0, prompt.shape[1] :].tolist() == wanted)


def check(model: LlamaForCausalLM, tokenizer: FastTokenizer) -> bool:
    """Ask everything in every form, print a line for each, and say whether all is well."""
    well = True
    for form in HISTORY:
        asked = examinations(tokenizer, form, False)
        wrong = [e.question for e, t in zip(EXCHANGES, asked, strict=True) if not answers(model, t)]
        reworded = asked if form == "long chat" else examinations(tokenizer, form, True)
        least = min(confidences(model, reworded))
        well = well and not wrong and least > CONFIDENCE
        print(
            f"{form}: {len(asked) - len(wrong)}/{len(asked)} answers exact; "
            f"least probability of a token {least:.3f} over {len(reworded)} wordings",
            *wrong,
            sep="\n  wrong: ",
        )
    return well


def main() -> int:
    """Train, save, read back and check; 1 if any answer is wrong or uncertain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PATH, help="folder to write")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    disable_progress_bar()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(options.seed)
    tokenizer = train_tokenizer()
    model = new_model(tokenizer)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    train(model, tokenizer, options.steps, options.seed)
    save(model, tokenizer, options.out)
    return 0 if check(*load(options.out)) else 1


if __name__ == "__main__":
    sys.exit(main())
