using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Giving back and dead-lettering.</summary>
internal static partial class CrashScenarios
{
    // Making and joining the dead-letter queue has rows of its own, as making and joining any queue.
    private static string[] Making => ["create.", "join.", "close.", "death.", "retire."];

    private static IEnumerable<CrashScenario> Answering =>
    [
        new("Abandon", "receiver")
        {
            Before = "open; receive; read",
            SenderBefore = "send 100",
            Do = "abandon",
            ReceiverWaits = true,
        },
        new("Abandon, another receiver sleeps", "receiver")
        {
            Before = "open; receive; read",
            SenderBefore = "send 20000",
            Do = "abandon",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await row.Receiver.Do("take on");
                await CrashRow.Until(() => row.IsAsleep(WaitKind.Receive, row.ReceiverIndex), "the other receiver sleeps");
            },
            ReceiverIsBack = true,
        },
        new("Abandon, the ring is full", "receiver")
        {
            NotItsOwn = Waking,
            Before = "open; receive; read",
            SenderBefore = "send 100",
            Do = "abandon",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("fill"),
            During = static async row =>
            {
                ulong tail = row.Tail;
                if (!await row.When(() => row.VictimSleeps, "what is given back waits for room"))
                    return;
                await row.Receiver.Do("take on");
                await row.When(() => row.Tail == tail + 1 && !row.IsAsleep(WaitKind.Space, row.VictimIndex), "it is in the ring");
            },
        },
        new("Dead-letter, the first one", "receiver")
        {
            Before = "open; receive; read",
            SenderBefore = "send 100",
            Do = "dead-letter",
            ReceiverWaits = true,
            NotItsOwn = Making,
            DeadLetters = true,
        },
        new("Dead-letter, attempts exhausted", "receiver")
        {
            QueueOptions = "attempts=1",
            Before = "open; receive; read",
            SenderBefore = "send 20000",
            Do = "abandon",
            ReceiverWaits = true,
            NotItsOwn = Making,
            DeadLetters = true,
        },
        new("Dead-letter at the claim, as its receivers died", "receiver")
        {
            QueueOptions = "attempts=1",
            Do = "look; look",
            ReceiverWaits = true,
            NotItsOwn = Making,
            DeadLetters = true,
            Prepare = static async row =>
            {
                await row.Sender.Do("send 100");
                (CrashProcess dead, int index) = await row.Join(3);
                await dead.Do("receive; read");
                await row.LeaveDeathToOthers();
                dead.Kill();
                await CrashRow.Until(() => row.IsGone(index), "the dead receiver is recovered");
            },
        },
    ];
}
