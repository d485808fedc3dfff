using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Receiving and completing.</summary>
internal static partial class CrashScenarios
{
    private static IEnumerable<CrashScenario> Receiving =>
    [
        new("Receive and Complete, inline", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("send 100"),
        },
        new("Receive and Complete, arena", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("send 20000"),
        },
        new("Receive into memory, inline", "receiver")
        {
            Do = "receive-into",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("send 100"),
        },
        new("Receive into memory, and again", "receiver")
        {
            // The head follows after sixteen.
            Do = string.Join("; ", Enumerable.Repeat("receive-into", 18)),
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do(string.Join("; ", Enumerable.Repeat("send 100", 18))),
        },
        new("Receive into memory, a sender sleeps for room", "receiver")
        {
            Do = "receive-into",
            ReceiverWaits = true,
            Prepare = SleepForRoom,
        },
        new("Receive into memory, arena", "receiver")
        {
            Do = "receive-into",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("send 20000"),
        },
        new("Receive into memory, asleep", "receiver")
        {
            Do = "receive-into",
            ReceiverWaits = true,
            During = SendOnceAsleep,
        },
        new("Receive into memory, the last message of a dead sender", "receiver")
        {
            Do = "receive-into",
            ReceiverWaits = true,
            Prepare = static row => LeaveMessageOfTheDead(row, 100),
        },
        new("Receive, a sender sleeps for room", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = SleepForRoom,
        },
        new("Receive, passes the wake-up on", "receiver")
        {
            Do = "receive; read; complete",
            Prepare = static async row =>
            {
                // Two messages and a sleeper who was not woken: what wakers leave that are killed before they ring. It stays at its step until the crash:
                // asleep, it would look up by itself in time, or be rung once more for what came before, and take both.
                await row.Receiver.Do("take off; wait-at sleep.wait; take on");
                await CrashRow.Until(() => row.SomebodyWaits, "the other receiver has looked and goes to sleep");
                row.Ring.Sleepers(WaitKind.Receive).Remove(row.ReceiverIndex);
                await row.Sender.Do("send 100; send 100");
                row.Ring.Sleepers(WaitKind.Receive).Add(row.ReceiverIndex);
            },
        },
        new("Receive, asleep", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            During = SendOnceAsleep,
        },
        new("ReceiveAsync, asleep", "receiver")
        {
            Do = "receive-async; read; complete",
            ReceiverWaits = true,
            During = SendOnceAsleep,
        },
        new("Receive, behind a receiver that stands still before it moves the head", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                // Who receives here has looked before, and does not know either where the next one is.
                ulong head = row.Ring.Head;
                await row.Sender.Do("send 100; receive; read; complete");
                row.Ring.Head = head;
                await row.Sender.Do("send 100");
            },
        },
        new("Receive, the oldest message was taken back", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await AttachAndWait(row);
                await row.Sender.Do("send 100; cancel; end-attach");
            },
        },
        new("Complete, the last message of a dead sender", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static row => LeaveMessageOfTheDead(row, 20000),
        },
    ];

    private static async Task SleepForRoom(CrashRow row)
    {
        (CrashProcess full, int index) = await row.Join(3);
        await full.Do("fill; begin-send 100");
        await CrashRow.Until(() => row.IsAsleep(WaitKind.Space, index), "a sender sleeps for room");
    }

    private static async Task SendOnceAsleep(CrashRow row)
    {
        if (await row.When(() => row.VictimSleeps, "the victim sleeps"))
            await row.Sender.Do("send 100; beats at-crash");
    }

    private static async Task LeaveMessageOfTheDead(CrashRow row, int length)
    {
        (CrashProcess dead, int index) = await row.Join(3);
        await dead.Do($"send {length}");
        await row.LeaveDeathToOthers();
        dead.Kill();
        await CrashRow.Until(() => row.IsDead(index), "the dead sender is recovered");
    }
}
