using OneCopy;

namespace FirstMessages;

public static class Consumer
{
    public static async Task RunAsync(string name, CancellationToken stop)
    {
        await using var queue = MessageQueue.Open(name);

        await foreach (var message in queue.ReceiveAllAsync(stop))
        {
            byte[] mine = new byte[message.Length];
            message.CopyTo(mine);                                       // the one copy
            Console.WriteLine($"{message.Length} bytes by the {message.Lane} lane from process {message.SenderPid}");
            message.Complete();                                         // or Abandon(), or DeadLetter(reason)
        }
    }
}
