using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Recovery: the victim is the one who is just recovering somebody.</summary>
internal static partial class CrashScenarios
{
    private static IEnumerable<CrashScenario> Dying =>
    [
        new("Recovery of a dead receiver that held a message", "recoverer")
        {
            HasAnothersFate = true,
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await row.Sender.Do("send 100");
                (CrashProcess dead, int _) = await row.Join(3);
                await dead.Do("receive; read");
                await row.RecoverLate();
            },
            During = static row => KillAndAwaitRecovery(row, 0),
        },
        new("Recovery of a dead sender with a message begun, one queued and one attached", "recoverer")
        {
            HasAnothersFate = true,
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                (CrashProcess dead, int index) = await row.Join(3);
                await dead.Do("rent 100; send 20000; begin-attach 100000");
                await row.When(() => row.Tail == row.Head + 2 && row.OwnIsAsleep(index), "the attached message is in the ring");
                await row.RecoverLate();
            },
            During = static async row =>
            {
                // It is not gone before its message is.
                row.Others[0].Kill();
                if (await row.When(() => row.IsDead(4), "the dead one is recovered"))
                    await Task.Delay(100);
            },
        },
        new("Recovery, the ring is full", "recoverer")
        {
            HasAnothersFate = true,
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await row.Sender.Do("send 100");
                (CrashProcess dead, int _) = await row.Join(3);
                await dead.Do("receive; read");
                await row.Sender.Do("fill");
                await row.RecoverLate();
            },
            During = static async row =>
            {
                row.Others[0].Kill();
                if (await row.When(() => row.VictimSleeps, "the recovery met the full ring"))
                    await row.Receiver.Do("take on");
                await row.When(() => row.IsGone(4), "the dead one is recovered");
            },
        },
        new("Recovery of a dead receiver whose recoverer died as well", "recoverer")
        {
            HasAnothersFate = true,
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await row.Sender.Do("send 100");
                (CrashProcess dead, int _) = await row.Join(3);
                await dead.Do("receive; read");
                await row.RecoverLate();
                await row.Victim.Do("recover-late on");

                // The first recoverer dies with the message given back, and no reference to it in the ring.
                (CrashProcess first, int _) = await row.Join(4);
                await first.Do("die death.enqueue 1");
            },
            During = static async row =>
            {
                row.Others[0].Kill();
                await CrashRow.Until(() => row.Others[1].HasEnded, "the first recoverer died");
                row.Others[1].Reap();
                await row.Victim.Do("recover-late off");
                await row.When(() => row.IsGone(4) && row.IsGone(5), "both are recovered");
            },
        },
    ];

    private static async Task KillAndAwaitRecovery(CrashRow row, int other)
    {
        row.Others[other].Kill();
        await row.When(() => row.IsGone(4 + other), "the dead one is recovered");
    }
}
