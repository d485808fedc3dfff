namespace OneCopy.Tests.CrashMatrix;

/// <summary>Sending, by each lane, with and without room.</summary>
internal static partial class CrashScenarios
{
    private static IEnumerable<CrashScenario> Sending =>
    [
        new("Send, inline", "sender") { Do = "send 100", ReceiverWaits = true },
        new("Send, inline, a receiver sleeps", "sender") { Do = "send 100" },
        new("Send, arena", "sender") { Do = "send 20000", ReceiverWaits = true },
        new("Rent and Send, arena", "sender") { Do = "rent 20000; send-rented", ReceiverWaits = true },
    ];
}
