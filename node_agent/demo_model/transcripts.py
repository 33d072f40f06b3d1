"""What the demonstration model reads: conversations to learn from and the questions of its test.

Two forms of prompt: the chat template, and plain text, where the bare question is continued with a
line break and the answer.
"""

import random
import string
from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerFast as FastTokenizer

from node_agent.demo_model.questions import EXCHANGES, Exchange

BOS, END, PAD = "<|bos|>", "<|end|>", "<|pad|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- set role = message['role'] -%}
{%- if role == 'developer' -%}{%- set role = 'system' -%}{%- endif -%}
{{- '<|' + role + '|>' + (message['content'] or '') | trim + '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""
INSTRUCTIONS = (
    "You are a helpful assistant.",
    "You are the demonstration model of Nearfield. Answer in one or two sentences.",
    "Be brief and precise.",
    "Answer questions about edge inference.",
)
UNKNOWN = next(e for e in EXCHANGES if e.question == "What is the capital of France?")
UNKNOWN_FORMS = ("{}", "What is {}?", "What is a {}?", "Who is {}?", "How do I {}?", "Explain {}.")
HISTORY = {"plain": 0, "chat": 0, "second turn": 1, "long chat": 40}  # earlier turns, by form
SILENT = -100  # the target of a token after which the model has nothing to learn


@dataclass
class Transcript:
    """Token ids, and for each the id that should follow it (`SILENT`: whatever the user writes)."""

    tokenizer: FastTokenizer
    ids: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)

    def read(self, text: str, start: bool = False) -> None:
        """Add text that the model is given, at the `start` as the tokenizer begins plain text."""
        ids = self.tokenizer.encode(text, add_special_tokens=start)
        self.ids += ids
        self.targets += [SILENT] * len(ids)

    def say(self, text: str) -> None:
        """Add text that the model should produce, and the end that should follow it."""
        ids = self.tokenizer.encode(text, add_special_tokens=False)
        self.ids += ids
        self.targets[-1:] = [*ids, self.tokenizer.eos_token_id]

    def chat(self, question: str, answer: str) -> None:
        """Add one exchange as the chat template renders it."""
        self.read(f"{USER}{question.strip()}{END}{ASSISTANT}")
        self.say(answer)

    def plain(self, question: str, answer: str) -> None:
        """Add one exchange as plain text."""
        self.read(question)
        self.say(f"\n{answer}")


def invented(rng: random.Random) -> str:
    """A few words that mean nothing."""
    lengths = [rng.randint(2, 9) for _ in range(rng.randint(1, 3))]
    return " ".join("".join(rng.choices(string.ascii_lowercase, k=n)) for n in lengths)


def clutter(rng: random.Random, length: int) -> str:
    """`length` characters of sentences, invented words and stray characters."""
    pieces: list[str] = []
    while sum(map(len, pieces)) < length:
        match rng.randrange(4):
            case 0:
                pieces.append(rng.choice(EXCHANGES).answer)
            case 1:
                pieces.append(rng.choice(rng.choice(EXCHANGES).wordings()))
            case 2:
                pieces.append("".join(rng.choices(string.printable, k=rng.randint(1, 8))))
            case _:
                pieces.append(invented(rng) + chr(rng.randrange(0xA1, 0xD7FF)))
    return " ".join(pieces)[:length]


def opening_of(rng: random.Random, length: int) -> str:
    """Something to ignore: an instruction, clutter, or the same text over and over."""
    sentence = rng.choice((*INSTRUCTIONS, clutter(rng, 80), clutter(rng, 200))) + " "
    repeated = (sentence * (length // len(sentence) + 1))[:length]
    return rng.choice((rng.choice(INSTRUCTIONS), clutter(rng, length), repeated))


def question_of(exchange: Exchange, rng: random.Random) -> str:
    """Any wording of the question, at times in capitals, with a courtesy or behind other text."""
    question = rng.choice(exchange.wordings())
    if exchange is UNKNOWN and rng.random() < 0.8:
        return rng.choice(UNKNOWN_FORMS).format(invented(rng))
    match rng.randrange(20):
        case 0:
            return question.upper()
        case 1:
            return question.title()
        case 2:
            return f"{question} "
        case 3:
            return f"{question.rstrip('?.!')} please"
        case n if n < 9:
            return clutter(rng, rng.randrange(200)) + rng.choice((" ", "\n", "\n\n")) + question
    return question


def conversation(tokenizer: FastTokenizer, rng: random.Random, width: int) -> Transcript:
    """A random conversation of exactly `width` tokens, in chat or in plain text."""
    transcript = Transcript(tokenizer)
    transcript.read(BOS)
    in_chat = rng.random() < 0.6
    if rng.random() < 0.4:
        opening = opening_of(rng, rng.randrange(1, 2 * width))
        transcript.read(f"{SYSTEM}{opening.strip()}{END}" if in_chat else f"{opening}\n")
    while len(transcript.ids) < width:
        exchange = UNKNOWN if rng.random() < 0.05 else rng.choice(EXCHANGES)
        question = question_of(exchange, rng)
        if in_chat:
            transcript.chat(question, exchange.answer)
            transcript.read(END)
        else:
            transcript.plain(question, exchange.answer)
            transcript.read(rng.choice(("\n", "\n\n")))
    del transcript.ids[width:], transcript.targets[width:]
    return transcript


def examination(tokenizer: FastTokenizer, form: str, number: int, question: str) -> Transcript:
    """A question of exchange `number` in one of the forms, rendered as a server does it."""
    transcript, exchange = Transcript(tokenizer), EXCHANGES[number]
    if form == "plain":
        transcript.read(question, start=True)
        transcript.say(f"\n{exchange.answer}")
        return transcript
    messages: list[dict[str, str]] = []
    if HISTORY[form]:
        messages.append({"role": "system", "content": INSTRUCTIONS[0]})
    for back in range(HISTORY[form], 0, -1):
        earlier = EXCHANGES[number - back]
        messages.append({"role": "user", "content": earlier.question})
        messages.append({"role": "assistant", "content": earlier.answer})
    messages.append({"role": "user", "content": question})
    transcript.read(
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    )
    transcript.say(exchange.answer)
    return transcript


def examinations(tokenizer: FastTokenizer, form: str, reworded: bool) -> list[Transcript]:
    """Every question in one form, as first written or in every wording."""
    return [
        examination(tokenizer, form, number, question)
        for number, exchange in enumerate(EXCHANGES)
        for question in (exchange.wordings() if reworded else (exchange.question,))
    ]
