"""`nearfield generate` and `nearfield chat`: one answer."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import typer

from nearfield.cli.output import Format, Output, console, milliseconds, print_json
from nearfield.cli.targets import (
    Near,
    NoWan,
    Target,
    control_plane,
    emulates_distance,
    open_client,
    origin,
)
from nearfield.cli.wishes import (
    CostMost,
    Jurisdictions,
    PreferredProviders,
    Providers,
    constraints,
    preferences,
)
from nearfield.client.answer import Answer
from nearfield.client.client import Client
from nearfield.core.geo import Position
from nearfield.core.inference import Sampling

Prompt = Annotated[str, typer.Argument(help="what to answer")]
ModelName = Annotated[str, typer.Option(help="by default the fleet's only one")]
MaxTokens = Annotated[int | None, typer.Option(help="longest answer")]
Temperature = Annotated[float | None, typer.Option(help="0 is greedy")]
Seed = Annotated[int | None, typer.Option(help="makes sampling repeatable")]


def generate(
    prompt: Prompt,
    near: Near = "",
    model: ModelName = "",
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    seed: Seed = None,
    jurisdiction: Jurisdictions = None,
    provider: Providers = None,
    cost_most: CostMost = None,
    prefer_provider: PreferredProviders = None,
    target: Target = "",
    no_wan: NoWan = False,
    output: Output = Format.TEXT,
) -> None:
    """Go on from PROMPT."""
    must = constraints(jurisdiction, provider, cost_most)
    should = preferences(prefer_provider)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)

    def ask(client: Client, where: Position | None) -> Answer:
        return client.generate(
            prompt,
            model=model,
            near=where,
            sampling=sampling,
            constraints=must,
            preferences=should,
        )

    asyncio.run(_answer(ask, near, target, no_wan, output))


def chat(
    message: Prompt,
    system: Annotated[str, typer.Option(help="instructions before the conversation")] = "",
    near: Near = "",
    model: ModelName = "",
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    seed: Seed = None,
    jurisdiction: Jurisdictions = None,
    provider: Providers = None,
    cost_most: CostMost = None,
    prefer_provider: PreferredProviders = None,
    target: Target = "",
    no_wan: NoWan = False,
    output: Output = Format.TEXT,
) -> None:
    """Answer MESSAGE as a turn of a conversation."""
    must = constraints(jurisdiction, provider, cost_most)
    should = preferences(prefer_provider)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": message})

    def ask(client: Client, where: Position | None) -> Answer:
        return client.chat(
            turns,
            model=model,
            near=where,
            sampling=sampling,
            constraints=must,
            preferences=should,
        )

    asyncio.run(_answer(ask, near, target, no_wan, output))


async def _answer(
    ask: Callable[[Client, Position | None], Answer],
    near: str,
    target: str,
    no_wan: bool,
    output: Format,
) -> None:
    where, address = origin(near), control_plane(target)
    async with open_client(address, where, no_wan) as client:
        answer = ask(client, where)
        pieces = []
        async for chunk in answer:
            pieces.append(chunk.text)
            if output is Format.TEXT:
                print(chunk.text, end="", flush=True)
    emulated = emulates_distance(address, where, no_wan)
    if output is Format.JSON:
        print_json(_as_values(answer, "".join(pieces), emulated))
        return
    print()
    console.print(_footer(answer, emulated), style="dim")


def _as_values(answer: Answer, text: str, emulated: bool) -> dict[str, Any]:
    return {
        "text": text,
        "finish_reason": answer.finish_reason,
        "usage": answer.usage,
        "provenance": answer.provenance,
        "ttft": answer.split,
        "predicted_ttft": answer.record.predicted,
        "tier": answer.tier,
        "distance_emulated": emulated,
    }


def _footer(answer: Answer, emulated: bool) -> str:
    split, where = answer.split, answer.provenance
    place = f"{where.pop} ({where.node}, {answer.tier})" if where else "unknown"
    kind = "emulated distance, " if emulated else ""
    return (
        f"— {place}: first token after {milliseconds(split.total)} ms "
        f"({kind}route {milliseconds(split.route)}, round trip {milliseconds(split.round_trip)}, "
        f"queue {milliseconds(split.queue)}, prefill {milliseconds(split.prefill)}; "
        f"predicted {milliseconds(answer.record.predicted)})"
    )
