"""Pattern 4.2: a deadline around the stream ends what only waits, and cannot end what holds the loop."""

from __future__ import annotations

import asyncio

import pytest
from conversations import chooses, remembers
from world import page

from kata.gallery import Change
from kata.instruments import webhook
from kata.instruments.culprit import Scope
from kata.instruments.pulse import Kind, Pulse
from kata.instruments.threads import waiting_in
from kata.target import Target, folder_of
from kata.verdict.claims import Wasteful, bounded

SECONDS = 1.5
"""Until the deadline: long enough for a warm companion to get to any of its providers before."""
TOO_LONG = "I have been thinking for too long"
NO_DEADLINE = Change(
    "interfaces/chainlit/app.py",
    "async with asyncio.timeout(services.settings.WORKFLOW_TIMEOUT_SECONDS):",
    "if True:",
)


def others() -> set[asyncio.Task[object]]:
    """The tasks of this loop besides the test's own."""
    return asyncio.all_tasks() - {asyncio.current_task()}


async def asks_for_a_voice(package, settings, everybody):
    """A message that is answered with a voice, which ElevenLabs keeps back until the loop stands still for long.

    Returns:
        What the page showed last, the request to ElevenLabs, and the pulse.
    """
    pulse = Pulse(package.folder)
    async with page(package, settings(package, WORKFLOW_TIMEOUT_SECONDS=SECONDS)) as visitor:
        await visitor.says("Good evening")  # the first requests of a process take longer
        everybody.groq.reply(remembers(None), chooses("audio"), "Do you hear the sea?")
        async with pulse:
            with everybody.elevenlabs.hold(pulse, beats=1_000_000, limit=SECONDS):
                await bounded("answer(content, services)", visitor.says("Let me hear you"), seconds=60)
        await everybody.elevenlabs.until_calls(1, answered=True)
    (call,) = everybody.elevenlabs.journal
    return visitor.notes[-1], call, pulse


async def test_a_silent_provider_ends_at_the_deadline_and_nothing_goes_on(target, settings, everybody):
    async with page(target, settings(target, WORKFLOW_TIMEOUT_SECONDS=SECONDS)) as visitor:
        await visitor.says("Good evening")  # the first requests of a process take longer
        everybody.groq.reset()
        before = others()
        with everybody.groq.silence():
            await bounded("answer(content, services)", visitor.says("Are you there?"))
            assert TOO_LONG in visitor.notes[-1]
            assert others() == before
            await everybody.groq.until_calls(1, answered=True)
    assert [call.hung_up for call in everybody.groq.journal] == [True]


async def test_the_webhook_s_deadline_ends_a_silent_provider_too(target, settings, everybody):
    make = target.load("interfaces.whatsapp.webhook_endpoint").create_app
    async with webhook.serving(make(settings(target, WORKFLOW_TIMEOUT_SECONDS=SECONDS))) as client:
        await client.post(webhook.PATH, json=webhook.text("Good evening"))
        everybody.groq.reset()
        before = others()
        with everybody.groq.silence():
            message = client.post(webhook.PATH, json=webhook.text("Are you there?"))
            answer = await bounded("whatsapp_handler(request)", message)
            assert others() == before
            await everybody.groq.until_calls(1, answered=True)
    assert answer.status_code == 200
    assert [call.hung_up for call in everybody.groq.journal] == [True]
    assert "my head is somewhere else" in everybody.whatsapp.messages[-1]["text"]["body"]


async def test_what_comes_in_time_is_not_touched(target, settings, everybody):
    everybody.groq.reply(remembers(None), chooses("conversation"), "Good evening, Ana.")
    async with page(target, settings(target, WORKFLOW_TIMEOUT_SECONDS=60)) as visitor:
        await visitor.says("Good evening")
    assert visitor.notes[-1] == "page shows assistant_message 'Good evening, Ana.'"


async def test_the_next_message_is_answered(target, settings, everybody):
    async with page(target, settings(target, WORKFLOW_TIMEOUT_SECONDS=SECONDS)) as visitor:
        with everybody.groq.silence():
            await visitor.says("Good evening")
    async with page(target, settings(target, WORKFLOW_TIMEOUT_SECONDS=60)) as visitor:
        await visitor.says("Are you there?")
    assert "You said: Are you there?" in visitor.notes[-1]


async def test_without_a_deadline_a_silent_provider_is_waited_for(counter_example, settings, everybody):
    package = counter_example(NO_DEADLINE)
    async with page(package, settings(package, WORKFLOW_TIMEOUT_SECONDS=SECONDS)) as visitor:
        with everybody.groq.silence():
            message = asyncio.create_task(visitor.says("Good evening"))
            await everybody.groq.until_calls(1)
            await asyncio.wait({message}, timeout=2 * SECONDS)
            assert not message.done()
        await message
    assert "You said: Good evening" in visitor.notes[-1]


@pytest.mark.finding("2.2")
async def test_the_deadline_comes_while_the_companion_waits_for_its_voice(target, settings, everybody):
    shown, call, pulse = await asks_for_a_voice(target, settings, everybody)
    pulse.check(Kind.NETWORK, doing="while the deadline passed")
    assert TOO_LONG in shown
    assert (call.hung_up, call.held_out, call.answered) == (True, False, None)


async def test_over_a_blocked_loop_the_deadline_comes_after_the_whole_answer(settings, everybody):
    shown, call, _ = await asks_for_a_voice(Target(folder_of("starter")), settings, everybody)
    assert (call.status, call.chunks, call.held_out, call.hung_up) == (200, 4, True, False)
    assert TOO_LONG in shown


async def looks_up_a_memory(package, settings, everybody):
    """A message for which the embedding service never answers; what it has to do with is looked up until the deadline.

    Returns:
        Where a thread waits when the page has its answer, and what became of the lookup afterwards.
    """
    async with page(package, settings(package, WORKFLOW_TIMEOUT_SECONDS=SECONDS)) as visitor:
        everybody.groq.reply(*[remembers(None), chooses("conversation"), "Good evening."] * 2)
        await visitor.says("Good evening")
        everybody.embeddings.reset()
        with everybody.embeddings.silence():
            await bounded("answer(content, services)", visitor.says("Who am I?"))
            assert TOO_LONG in visitor.notes[-1]
            waiting = waiting_in(Scope(package.folder))
            if waiting is None:
                await everybody.embeddings.until_calls(1, answered=True)
        await everybody.embeddings.until_calls(1, answered=True)
    (call,) = everybody.embeddings.journal
    return waiting, call


@pytest.mark.finding("2.3")
async def test_nothing_of_a_lookup_is_left_after_the_deadline(target, settings, everybody):
    waiting, call = await looks_up_a_memory(target, settings, everybody)
    if waiting is not None:
        raise Wasteful("the deadline is over, and a thread goes on with what nobody waits for any more", waiting)
    assert call.hung_up


async def test_a_plain_node_goes_on_in_its_thread_after_the_deadline(settings, everybody):
    waiting, call = await looks_up_a_memory(Target(folder_of("starter")), settings, everybody)
    assert waiting is not None
    assert (call.status, call.hung_up) == (200, False)
