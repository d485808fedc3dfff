using FirstMessages;

switch (args)
{
    case ["produce", string queue, string file]:
        await Producer.RunAsync(queue, await File.ReadAllBytesAsync(file));
        return 0;
    case ["consume", string queue]:
        await Consumer.RunAsync(queue, CancellationToken.None);
        return 0;
    default:
        Console.Error.WriteLine("Usage: FirstMessages produce QUEUE FILE | consume QUEUE");
        return 2;
}
