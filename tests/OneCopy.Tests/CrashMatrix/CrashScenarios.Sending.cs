namespace OneCopy.Tests.CrashMatrix;

/// <summary>Sending copies, with and without room.</summary>
internal static partial class CrashScenarios
{
    // Whether the receiver that makes room sleeps again by then is chance.
    private static string[] Waking => ["wake.bell", "wake.futex"];

    private static IEnumerable<CrashScenario> Sending =>
    [
        new("Send, inline", "sender") { Do = "send 100", ReceiverWaits = true },
        new("Send, inline, a receiver sleeps", "sender") { Do = "send 100" },
        new("Send, inline, behind a sender that stands still before it moves the tail", "sender")
        {
            Do = "send 100",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                // What one leaves who was stopped between the two steps.
                await row.Sender.Do("send 100");
                Interlocked.Decrement(ref row.Ring.Tail);
            },
        },
        new("Send, arena", "sender") { Do = "send 20000", ReceiverWaits = true },
        new("Rent and Send, arena", "sender") { Do = "rent 20000; send-rented", ReceiverWaits = true },
        new("SendAsync, copied into the arena", "sender") { Do = "send-async 20000", ReceiverWaits = true },
        new("Send, the ring is full", "sender")
        {
            NotItsOwn = Waking,
            Do = "send 100",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("fill"),
            During = TakeOnceAsleep,
        },
        new("SendAsync, the ring is full", "sender")
        {
            NotItsOwn = Waking,
            Do = "send-async 100",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("fill"),
            During = TakeOnceAsleep,
        },
        new("Send, the ring is full and the time is over", "sender")
        {
            Do = "send-in-time 100 400",
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("fill"),
        },
        new("Send, the ring is full of messages that were taken back", "sender")
        {
            Do = "send 100",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                // The references of the withdrawn stay in the ring until somebody meets them.
                await row.Sender.Do("begin-attach 40000");
                await row.When(() => row.Tail != row.Head, "the message is in the ring");
                await row.Sender.Do("fill");
                await row.Sender.Do("cancel; end-attach");
            },
        },
        new("Send, all blocks are taken", "sender")
        {
            NotItsOwn = Waking,
            VictimOptions = "blocks=2",
            Before = "open; send 100; send 100",
            Do = "send 100",
            ReceiverWaits = true,
            During = TakeOnceAsleep,
        },
    ];

    private static async Task TakeOnceAsleep(CrashRow row)
    {
        if (await row.When(() => row.VictimSleeps, "the victim sleeps"))
            await row.Receiver.Do("take on");
    }
}
